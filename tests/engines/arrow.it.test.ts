import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrowStream } from '#core/lake/arrow.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';

const needsPython = requires((await pythonEnvironment()) !== undefined, 'Python with pyarrow', pythonRemedy);

interface Seen {
  types: Record<string, string>;
  rows: Record<string, string | null>[];
  count: number;
}

let dir: string;
let duck: DuckDb;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ticklake-arrow-'));
  duck = await DuckDb.open({ threads: 1, memoryLimit: '200MB', spillDir: dir });
});
afterAll(async () => {
  duck.close();
  await rm(dir, { recursive: true, force: true });
});

async function seenByArrow(sql: string): Promise<Seen> {
  const parts: Uint8Array[] = [];
  for await (const part of arrowStream(await duck.connection.stream(sql))) parts.push(part);
  const path = join(dir, 'result.arrow');
  await writeFile(path, Buffer.concat(parts));
  return await python<Seen>('engines/arrow.py', { path });
}

describe('an Arrow stream of ours, read by pyarrow', needsPython, () => {
  it('keeps types and values, also negative ones and nulls', async () => {
    const seen = await seenByArrow(`
      select true as flag, (-7)::integer as small, (-9007199254740993)::bigint as large, -0.5::double as ratio,
             (-12345678901234567890.123456789012345678)::decimal(38, 18) as price, 170141183460469231731::hugeint as huge,
             date '1969-12-31' as day, timestamptz '2026-03-01 00:00:00.000001+00' as at,
             timestamp '1969-12-31 23:59:59.999999' as plain,
             65535::usmallint as short, 4294967295::uinteger as middle, 18446744073709551615::ubigint as long, 'è' as word, [1, 2] as list
      union all select null, null, null, null, null, null, null, null, null, null, null, null, null, null`);
    expect(seen.types).toEqual({
      flag: 'bool',
      small: 'int32',
      large: 'int64',
      ratio: 'double',
      price: 'decimal128(38, 18)',
      huge: 'decimal128(38, 0)',
      day: 'date32[day]',
      at: 'timestamp[us, tz=UTC]',
      plain: 'timestamp[us]',
      short: 'int32',
      middle: 'int64',
      long: 'decimal128(38, 0)',
      word: 'string',
      list: 'string',
    });
    const [first, second] = seen.rows;
    expect(first).toEqual({
      flag: 'True',
      small: '-7',
      large: '-9007199254740993',
      ratio: '-0.5',
      price: '-12345678901234567890.123456789012345678',
      huge: '170141183460469231731',
      day: '1969-12-31',
      at: '2026-03-01 00:00:00.000001+00:00',
      plain: '1969-12-31 23:59:59.999999',
      short: '65535',
      middle: '4294967295',
      long: '18446744073709551615',
      word: 'è',
      list: '[1, 2]',
    });
    expect(Object.values(second ?? {})).toEqual(Array.from({ length: 14 }, () => null));
  });

  it('has as many rows as the query, over several batches or none', async () => {
    const seen = await seenByArrow('select i, i % 3 = 0 as third from range(10000) t(i)');
    expect(seen.count).toBe(10_000);
    expect(seen.rows.at(-1)).toEqual({ i: '9999', third: 'True' });
    expect(await seenByArrow('select 1::bigint as i where false')).toEqual({
      types: { i: 'int64' },
      rows: [],
      count: 0,
    });
  });
});
