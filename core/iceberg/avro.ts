/**
 * Avro object container files (https://avro.apache.org/docs/1.12.0/specification/#object-container-files). The header
 * carries the schema as it was given: `avsc` normalises schemas and drops the field ids that Iceberg needs there.
 */
import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import avsc from 'avsc';
import { IcebergError } from './errors.ts';
import { type Long, parseJson, toLong } from './json.ts';

/** An Avro schema in its JSON form, with Iceberg's own keys (`field-id`, `element-id`). */
export type AvroSchema = string | AvroSchema[] | { type: AvroSchema; [key: string]: unknown };

export interface AvroFile {
  header: Record<string, string>;
  schema: unknown;
  records: unknown[];
}

const magic = Buffer.from('Obj\x01', 'latin1');
const syncLength = 16;

/** 64-bit integers as numbers where exact, else as bigints. */
const longType = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer): Long => toLong(bytes.readBigInt64LE()),
  toBuffer: (value: Long): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return bytes;
  },
  fromJSON: (value: number): Long => value,
  toJSON: (value: Long): number => Number(value),
  isValid: (value: unknown): boolean => typeof value === 'bigint' || Number.isSafeInteger(value),
  compare: (a: Long, b: Long): number => (a < b ? -1 : a > b ? 1 : 0),
});

function compile(schema: unknown): avsc.Type {
  // A registry per schema: record names repeat between files (every manifest has its own `r102`).
  return avsc.Type.forSchema(schema as avsc.Schema, { registry: { long: longType }, wrapUnions: 'never' });
}

const headerType = compile({ type: 'map', values: 'bytes' });
const countType = compile('long');

/**
 * Compiled schemas by their text: compiling costs more than reading a small file. Bounded, as schemas come from files.
 */
const compiled = new Map<string, avsc.Type>();
const compiledMax = 256;

function typeOf(schemaText: string): avsc.Type {
  const known = compiled.get(schemaText);
  if (known !== undefined) return known;
  const type = compile(parseJson(schemaText));
  if (compiled.size >= compiledMax) compiled.clear();
  compiled.set(schemaText, type);
  return type;
}

/** Writes records as one deflated block. Header keys other than the codec's and the schema's are the caller's. */
export function writeAvro(
  schema: AvroSchema,
  header: Record<string, string>,
  records: readonly object[],
): Uint8Array {
  const schemaText = JSON.stringify(schema);
  const type = typeOf(schemaText);
  const entries = { ...header, 'avro.schema': schemaText, 'avro.codec': 'deflate' };
  const encodedHeader = headerType.toBuffer(
    Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, Buffer.from(value)])),
  );
  const sync = randomBytes(syncLength);
  const parts: Uint8Array[] = [magic, encodedHeader, sync];
  if (records.length > 0) {
    const data = deflateRawSync(Buffer.concat(records.map((record) => encodeRecord(type, record))));
    parts.push(countType.toBuffer(records.length), countType.toBuffer(data.length), data, sync);
  }
  return Buffer.concat(parts);
}

function encodeRecord(type: avsc.Type, record: object): Buffer {
  try {
    return type.toBuffer(record);
  } catch (cause) {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      'a record does not fit its Avro schema',
      'Check partition values and counts of the data file.',
      cause,
    );
  }
}

/** Reads a whole container file: codecs null, deflate and zstandard. */
export function readAvro(bytes: Uint8Array, name: string): AvroFile {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return readContainer(buffer, name);
  } catch (cause) {
    if (cause instanceof IcebergError) throw cause;
    throw malformed(name, 'is cut short or damaged', cause);
  }
}

function readContainer(buffer: Buffer, name: string): AvroFile {
  if (!buffer.subarray(0, magic.length).equals(magic)) throw malformed(name, 'is not an Avro container');
  const head = headerType.decode(buffer, magic.length) as { value?: Record<string, Buffer>; offset: number };
  if (head.value === undefined) throw malformed(name, 'has a header that is cut short');
  const header = Object.fromEntries(
    Object.entries(head.value).map(([key, value]) => [key, value.toString()]),
  );
  const schemaText = header['avro.schema'] ?? '';
  const type = typeOf(schemaText);
  const inflate = decompressor(header['avro.codec'] ?? 'null', name);
  const sync = buffer.subarray(head.offset, head.offset + syncLength);
  if (sync.length < syncLength) throw malformed(name, 'has a header that is cut short');
  const records: unknown[] = [];
  let offset = head.offset + syncLength;
  while (offset < buffer.length) {
    const count = decodeCount(buffer, offset, name);
    const size = decodeCount(buffer, count.offset, name);
    const end = size.offset + size.value;
    if (!buffer.subarray(end, end + syncLength).equals(sync)) throw malformed(name, 'has a damaged block');
    readBlock(type, inflate(buffer.subarray(size.offset, end)), count.value, records, name);
    offset = end + syncLength;
  }
  return { header, schema: parseJson(schemaText), records };
}

function readBlock(type: avsc.Type, block: Buffer, count: number, records: unknown[], name: string): void {
  let offset = 0;
  for (let i = 0; i < count; i += 1) {
    const record = type.decode(block, offset) as { value?: unknown; offset: number };
    if (record.offset < 0) throw malformed(name, 'has a block that ends within a record');
    records.push(record.value);
    offset = record.offset;
  }
}

function decodeCount(buffer: Buffer, offset: number, name: string): { value: number; offset: number } {
  const decoded = countType.decode(buffer, offset) as { value?: Long; offset: number };
  if (decoded.offset < 0 || typeof decoded.value !== 'number' || decoded.value < 0) {
    throw malformed(name, 'has a damaged block header');
  }
  return { value: decoded.value, offset: decoded.offset };
}

function decompressor(codec: string, name: string): (block: Buffer) => Buffer {
  switch (codec) {
    case 'null':
      return (block) => block;
    case 'deflate':
      return (block) => inflateRawSync(block);
    case 'zstandard':
      return (block) => zstdDecompressSync(block);
    default:
      throw new IcebergError(
        'UNSUPPORTED',
        `${name} is compressed with ${codec}, which this library does not read`,
        "Let the other engine write with the table property 'write.avro.compression-codec' = 'gzip' and rewrite its manifests.",
      );
  }
}

function malformed(name: string, what: string, cause?: unknown): IcebergError {
  return new IcebergError('MALFORMED', `${name} ${what}`, 'Restore the file, or roll the table back.', cause);
}
