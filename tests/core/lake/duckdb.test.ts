import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DuckDBTimestampTZValue } from '@duckdb/node-api';
import { DuckDb } from '#core/lake/duckdb.ts';

let folder: string;
let duck: DuckDb;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticklake-duckdb-'));
  duck = await DuckDb.open({ threads: 1, memoryLimit: '256MB', spillDir: folder });
});
afterAll(async () => {
  duck.close();
  await rm(folder, { recursive: true, force: true });
});

test('a statement that was prepared on an empty table reads what comes to it later', async () => {
  await duck.run('create table trades (symbol varchar, id bigint)');
  const runs = await duck.prepare(
    `select symbol, min(id) as lo, max(id) + 1 as hi
       from (select *, id - row_number() over (partition by symbol order by id) as run from trades)
      group by symbol, run order by all`,
  );
  expect(await runs.rows()).toEqual([]);
  for (const [symbol, id] of [
    ['BTCUSDT', 5],
    ['A name that is longer than twelve letters', 3_456_789_012_345],
  ] as const) {
    await duck.run(
      `truncate trades; insert into trades values ('${symbol}', ${id}), ('${symbol}', ${id + 1})`,
    );
    expect(await runs.rows()).toEqual([{ symbol, lo: String(id), hi: String(id + 2) }]);
  }
});

test('statements take effect together or not at all', async () => {
  await duck.run('create table kept (id integer)');
  const failing = duck.together(async () => {
    await duck.run('insert into kept values (1)');
    await duck.run(`insert into kept values ('no number')`);
  });
  await expect(failing).rejects.toThrow('no number');
  await duck.together(async () => {
    await duck.run('insert into kept values (2)');
  });
  expect(await duck.rows('from kept')).toEqual([{ id: 2 }]);
});

test('times are shown in UTC, wherever the machine is', async () => {
  DuckDBTimestampTZValue.timezoneOffsetInMinutes = 330;
  const other = await DuckDb.open({ threads: 1, memoryLimit: '100MB', spillDir: folder });
  const [row] = await other.rows("select timestamptz '2026-03-01 12:00:00+00' as at");
  expect(row).toEqual({ at: '2026-03-01 12:00:00+00' });
  other.close();
});
