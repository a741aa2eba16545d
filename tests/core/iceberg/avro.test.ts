import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AvroSchema, readAvro, writeAvro } from '#core/iceberg/avro.ts';

const schema: AvroSchema = {
  type: 'record',
  name: 'r',
  fields: [
    { name: 'n', 'field-id': 7, type: 'long' },
    { name: 's', 'field-id': 8, type: ['null', 'string'], default: null },
  ],
};
const record = fc.record({
  n: fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n })),
  s: fc.option(fc.string({ unit: 'grapheme' })),
});

describe('Avro containers', () => {
  it('hold what was written, with field ids in the header', () => {
    fc.assert(
      fc.property(fc.array(record), (records) => {
        const file = readAvro(writeAvro(schema, { content: 'data' }, records), 'x.avro');
        expect(file.records.map((read) => ({ ...(read as object) }))).toEqual(records);
        expect(file.schema).toEqual(schema);
        expect(file.header['content']).toBe('data');
      }),
    );
  });

  it('are read as other writers compress them, or refused with a way out', () => {
    const bytes = Buffer.from(writeAvro(schema, {}, []));
    const sync = bytes.subarray(-16);
    // One record: n = 1 (zigzag 2), s = null (branch 0).
    const block = (data: Buffer): Buffer => Buffer.concat([Buffer.of(2, data.length * 2), data, sync]);
    const withCodec = (codec: 'null   ' | 'snappy ' | 'zstandard', data: Buffer): Buffer => {
      const [before, after] = [bytes.indexOf('deflate'), bytes.indexOf('deflate') + 7];
      const name = Buffer.from(codec.trim());
      return Buffer.concat([
        bytes.subarray(0, before - 1),
        Buffer.of(name.length * 2),
        name,
        bytes.subarray(after),
        block(data),
      ]);
    };
    const plain = Buffer.of(2, 0);
    expect(readAvro(withCodec('null   ', plain), 'x').records).toEqual([{ n: 1, s: null }]);
    expect(readAvro(withCodec('zstandard', zstdCompressSync(plain)), 'x').records).toEqual([
      { n: 1, s: null },
    ]);
    expect(() => readAvro(withCodec('snappy ', plain), 'x.avro')).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        remedy: expect.stringContaining('gzip') as string,
      }) as Error,
    );
  });

  it('that are cut short or damaged are refused', () => {
    const bytes = writeAvro(schema, {}, [{ n: 1, s: 'x' }]);
    for (let length = 0; length < bytes.length; length += 1) {
      const cut = bytes.subarray(0, length);
      // A file that ends after its header is an empty one.
      const isEmpty = length === writeAvro(schema, {}, []).length;
      if (!isEmpty)
        expect(() => readAvro(cut, 'x'), String(length)).toThrow(
          expect.objectContaining({ code: 'MALFORMED' }) as Error,
        );
    }
  });
});
