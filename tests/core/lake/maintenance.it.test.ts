import { access, mkdir, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadTable, writeMetadata } from '#core/lake/catalog.ts';
import { commitAppend } from '#core/lake/commit.ts';
import { compactTable } from '#core/lake/compact.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { query } from '#core/lake/engine.ts';
import { expireTable } from '#core/lake/expire.ts';
import { openLake } from '#core/lake/lake.ts';
import { listSnapshots } from '#core/lake/listing.ts';
import { sweepOrphans, type Orphan } from '#core/lake/orphans.ts';
import { repairLedger } from '#core/lake/repair.ts';
import { replaceSpans } from '#core/lake/replace.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { stageFiles } from '#core/lake/stage.ts';
import { klines, tableId, trades } from '#core/lake/tables.ts';
import { dropTag, tagSnapshot } from '#core/lake/tags.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { intervalUs } from '#core/market/interval.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

const hourUs = intervalUs('1h');
const start = Date.parse('2026-02-27T00:00:00Z') * 1_000;

async function withBars<T>(
  symbol: string,
  { from, to, price }: { from: number; to: number; price: number },
  work: (
    duck: DuckDb,
    range: { source: string; listing: string; interval: string; lo: number; hi: number },
  ) => Promise<T>,
): Promise<T> {
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '200MB', spillDir: lake.spillDir });
  try {
    await duck.run(
      `create temp table bars as
         select '${symbol}' as symbol, '1h' as interval, make_timestamptz(${start} + i * ${hourUs}) as open_time,
                ${price}::decimal(38, 18) as open, open as high, open as low, open as close, 1 as volume,
                make_timestamptz(${start} + (i + 1) * ${hourUs} - 1) as close_time, 1 as quote_volume,
                1::bigint as trade_count, 0 as taker_buy_volume, 0 as taker_buy_quote_volume,
                'venue' as source, false as is_filled, open_time::date as date
           from range(${from}, ${to}) t(i)`,
    );
    const range = { lo: start + from * hourUs, hi: start + to * hourUs };
    return await work(duck, { source: 'venue', listing: `${symbol}#1`, interval: '1h', ...range });
  } finally {
    duck.close();
  }
}

/** Puts hours [from, to) of one price in the place of what is held of them. */
async function replace(symbol: string, from: number, to: number, price: number): Promise<void> {
  await withBars(symbol, { from, to, price }, async (duck, range) => {
    await replaceSpans(lake.lake, duck, {
      ...{ commitId: randomUUID(), table: klines, relation: 'bars', spans: [range], added: [range] },
      ...{ explained: [], summary: {} },
      guard: () => Promise.resolve(),
    });
  });
}

/** As when whoever read the lake has gone long ago. */
async function forgetReaders(): Promise<void> {
  await lake.database.query('delete from reads.leases');
}

/** Sweeps until nothing is left to delete; readers of this process, which renew their lease, are gone each time. */
async function sweepAll(): Promise<Orphan[]> {
  const deleted: Orphan[] = [];
  await expect
    .poll(
      async () => {
        await forgetReaders();
        const orphans = await sweepOrphans(lake.lake, klines, { olderThanMs: 0, remove: true });
        deleted.push(...orphans.filter((orphan) => orphan.deleted));
        return orphans.filter((orphan) => !orphan.deleted);
      },
      { timeout: 30_000 },
    )
    .toEqual([]);
  return deleted;
}

async function exists(location: string): Promise<boolean> {
  return await access(fileURLToPath(location)).then(
    () => true,
    () => false,
  );
}

async function expectProven(rows: number): Promise<void> {
  const verdict = await verifyTable(lake.lake, klines, { spillDir: lake.spillDir, deep: true });
  expect(verdict.damaged).toEqual([]);
  expect(verdict.listings.filter((row) => row.inFiles !== row.held || row.duplicates > 0)).toEqual([]);
  expect(verdict.listings.reduce((sum, { inFiles }) => sum + inFiles, 0)).toBe(rows);
}

test('expiry drops what no tag names, and deletes only what nothing reaches', async () => {
  for (let hour = 0; hour < 6; hour++) await replace('BTCUSDT', hour * 10, hour * 10 + 10, hour + 1);
  const oldest = (await listSnapshots(lake.lake, klines)).at(-1);
  await tagSnapshot(lake.lake, klines, 'first', { asOf: String(oldest?.snapshotId) });
  await compactTable(lake.lake, klines, { spillDir: lake.spillDir, filesMin: 2 });
  const before = await listSnapshots(lake.lake, klines);
  expect(before.at(-1)).toMatchObject({ tags: ['first'] });

  const planned = await expireTable(lake.lake, klines, { olderThanMs: 0, keepLast: 1, dryRun: true });
  expect(planned).toHaveLength(before.length - 2);
  expect(await listSnapshots(lake.lake, klines)).toEqual(before);
  const expired = await expireTable(lake.lake, klines, { olderThanMs: 0, keepLast: 1 });
  expect(expired).toEqual(planned);
  const kept = await listSnapshots(lake.lake, klines);
  expect(kept.map(({ snapshotId }) => snapshotId)).toEqual([before[0]?.snapshotId, oldest?.snapshotId]);

  // Listed only, nothing goes.
  const listed = await sweepOrphans(lake.lake, klines, { olderThanMs: 0 });
  expect(listed.length).toBeGreaterThan(0);
  for (const { path, deleted } of listed) {
    expect(deleted).toBe(false);
    expect(await exists(path)).toBe(true);
  }
  const deleted = await sweepAll();
  expect(deleted.map(({ path }) => path).filter((path) => path.endsWith('.parquet'))).not.toEqual([]);
  for (const { path } of deleted) expect(await exists(path)).toBe(false);
  await expectProven(60);
  const asOf = await query(lake.lake, 'select count(*)::integer as n from market.klines', {
    ...{ spillDir: lake.spillDir, asOf: 'first' },
  });
  expect(asOf.rows).toEqual([{ n: 10 }]);
  const { rows: ledger } = await lake.database.query<{ n: number }>(
    'select count(*)::integer as n from lake.data_files where path = any($1::text[])',
    [deleted.map(({ path }) => path)],
  );
  expect(ledger).toEqual([{ n: 0 }]);

  await dropTag(lake.lake, klines, 'first');
  expect(await expireTable(lake.lake, klines, { olderThanMs: 0, keepLast: 1 })).toHaveLength(1);
  expect(await sweepAll()).not.toEqual([]);
  await expectProven(60);
});

test('files are kept while a read that began before they were let go may go on', async () => {
  // Another process, which holds a lease of its own.
  const reader = openLake(lake.lake);
  const release = await reader.leases.hold();
  const { files } = await currentFiles(lake.lake, klines);
  await replace('BTCUSDT', 0, 60, 9);
  await expireTable(lake.lake, klines, { olderThanMs: 0, keepLast: 1 });
  const swept = await sweepOrphans(lake.lake, klines, { olderThanMs: 0, remove: true });
  expect(swept.filter(({ deleted }) => deleted)).toEqual([]);
  expect(swept.length).toBeGreaterThan(0);
  for (const path of files) await access(path);
  release();
  expect(await sweepAll()).not.toEqual([]);
  await expectProven(60);
});

test('files that a failed commit has left are found, and those of a commit on its way are not lost', async () => {
  const stray = `${lake.lake.locationOf(klines)}/data/interval=1h/stray.parquet`;
  await mkdir(dirname(fileURLToPath(stray)), { recursive: true });
  await writeFile(fileURLToPath(stray), 'left behind');
  await withBars('LATE', { from: 0, to: 5, price: 1 }, async (duck, range) => {
    const stage = () => stageFiles(duck, lake.lake.store, klines, lake.lake.locationOf(klines), 'bars');
    const request = {
      ...{ table: klines, added: [range], days: [], explained: [], offsets: [], summary: {} },
      guard: () => Promise.resolve(),
    };
    const files = await stage();
    const young = await sweepOrphans(lake.lake, klines, { olderThanMs: 3_600_000, remove: true });
    expect(young).toEqual([]);
    // A commit that comes before the time is over takes the file out of the sweep's hands.
    await commitAppend(lake.lake, { ...request, commitId: randomUUID(), files });
    expect((await sweepAll()).map(({ path }) => path)).toEqual([stray]);
    await expectProven(65);

    const late = await stage();
    expect((await sweepAll()).map(({ path }) => path)).toEqual(late.map(({ location }) => location));
  });
});

test('a file that is being deleted cannot be committed any more', async () => {
  await withBars('GONE', { from: 0, to: 5, price: 1 }, async (duck, range) => {
    const files = await stageFiles(duck, lake.lake.store, klines, lake.lake.locationOf(klines), 'bars');
    // As a sweep leaves it that is killed between the decision and the deed.
    await lake.database.query(
      `insert into lake.retired_files (path, table_name, bytes, condemned_at)
       select unnest($1::text[]), $2, 1, clock_timestamp()`,
      [files.map(({ location }) => location), tableId(klines)],
    );
    const commit = commitAppend(lake.lake, {
      ...{ commitId: randomUUID(), table: klines, files, added: [range], days: [], explained: [] },
      ...{ offsets: [], summary: {}, guard: () => Promise.resolve() },
    });
    await expect(commit).rejects.toMatchObject({ code: 'PLAN_STALE' });
    const swept = await sweepOrphans(lake.lake, klines, { olderThanMs: 0, remove: true });
    expect(swept.filter(({ deleted }) => deleted).map(({ path }) => path)).toEqual(
      files.map(({ location }) => location),
    );
    const { rows } = await lake.database.query(
      'select path from lake.retired_files where condemned_at is not null',
    );
    expect(rows).toEqual([]);
    await expectProven(65);
  });
});

test('replacements, compaction, expiry and sweeps at once lose nothing', async () => {
  const symbols = ['ONE', 'TWO'];
  let ended = false;
  const load = async (symbol: string): Promise<void> => {
    for (let i = 0; i < 6; i++) await replace(symbol, i * 5, i * 5 + 5, i + 1);
  };
  const loading = Promise.all(symbols.map(load)).finally(() => (ended = true));
  while (!ended) {
    await compactTable(lake.lake, klines, { spillDir: lake.spillDir, filesMin: 2 });
    await expireTable(lake.lake, klines, { olderThanMs: 0, keepLast: 2 });
    await sweepOrphans(lake.lake, klines, { olderThanMs: 60_000, remove: true });
    await query(lake.lake, 'select count(*) from market.klines', { spillDir: lake.spillDir });
  }
  await loading;
  await expectProven(65 + 60);
  await sweepAll();
  await expectProven(65 + 60);
});

test('after another program set the table back, the ledger follows the files when told', async () => {
  const before = await loadTable(lake.lake, klines);
  const held = await coverageRows();
  await replace('SETBACK', 0, 10, 1);
  await replace('ONE', 0, 30, 7);
  const left = await loadTable(lake.lake, klines);
  // What a foreign engine's rollback does, without any lock of ours.
  const back = { ...before.metadata, 'last-updated-ms': left.metadata['last-updated-ms'] + 1 };
  const location = await writeMetadata(lake.lake, back, left.metadataLocation);
  await lake.database.query("update iceberg_tables set metadata_location = $1 where table_name = 'klines'", [
    location,
  ]);
  await expect(replace('SETBACK', 20, 30, 1)).rejects.toMatchObject({ code: 'TABLE_DIVERGED' });
  const changes = await repairLedger(lake.lake, klines, { spillDir: lake.spillDir });
  expect(changes).toMatchObject([{ listing: 'SETBACK#1', change: 'not held' }]);
  expect(await coverageRows()).toEqual(held);
  await expectProven(125);
  await replace('SETBACK', 0, 10, 2);
  await expectProven(135);
  expect(await repairLedger(lake.lake, klines, { spillDir: lake.spillDir })).toEqual([]);
});

test('a table without commits has nothing to maintain', async () => {
  expect(await expireTable(lake.lake, trades, { olderThanMs: 0, keepLast: 1 })).toEqual([]);
  expect(await sweepOrphans(lake.lake, trades, { olderThanMs: 0, remove: true })).toEqual([]);
  await access(join(lake.dir, 'warehouse'));
});

async function coverageRows(): Promise<unknown[]> {
  const { rows } = await lake.database.query(
    'select listing, "interval", lo, hi from lake.coverage where table_name = $1 order by 1, 2, 3',
    [tableId(klines)],
  );
  return rows;
}
