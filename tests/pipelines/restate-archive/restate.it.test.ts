import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openArchive, type Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { ArchiveSeries } from '#core/exchanges/binance/archive/layout.ts';
import { query } from '#core/lake/engine.ts';
import { gaps } from '#core/lake/ledger.ts';
import { klines, trades } from '#core/lake/tables.ts';
import { rollbackTable } from '#core/lake/rollback.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { backfillKlines } from '#pipelines/backfill-klines/backfill.ts';
import { backfillTrades } from '#pipelines/backfill-trades/backfill.ts';
import { saveListings } from '#pipelines/discover-symbols/listings.ts';
import { listArchiveFiles, listRestatements } from '#pipelines/restate-archive/files.ts';
import { restateArchive } from '#pipelines/restate-archive/restate.ts';
import { barsCsv, day, put } from '#tests/core/exchanges/binance/archive/support.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

const minutes = 60;
const us = (time: string) => Date.parse(time) * 1_000;
const tape: ArchiveSeries = { kind: 'trades', symbol: 'BTCUSDT' };

interface Place {
  source: string;
  folder: string;
  archive: Archive;
}

/** An archive with one day of a series, which has been loaded. */
async function loaded(series: ArchiveSeries, csv: string): Promise<Place> {
  const source = randomUUID();
  const folder = join(lake.dir, source);
  await put(folder, day('2024-03-05', series), { csv });
  const archive = await openArchive({ location: folder, metrics: lake.metrics });
  const load = { lake: lake.lake, archive, source, spillDir: lake.spillDir };
  const { failures } = series.kind === 'klines' ? await backfillKlines(load) : await backfillTrades(load);
  expect(failures).toEqual([]);
  return { source, folder, archive };
}

async function restate({ source, archive }: Pick<Place, 'source' | 'archive'>) {
  const { metrics, spillDir } = lake;
  const files = await listArchiveFiles(lake.database, { source });
  return await restateArchive({ lake: lake.lake, archive, metrics, spillDir, files, run: randomUUID() });
}

async function rows(sql: string, asOf?: string) {
  return (await query(lake.lake, sql, { spillDir: lake.spillDir, ...(asOf === undefined ? {} : { asOf }) }))
    .rows;
}

async function expectProven(): Promise<void> {
  for (const table of [klines, trades]) {
    const verdict = await verifyTable(lake.lake, table, { spillDir: lake.spillDir, deep: true });
    expect(verdict.damaged).toEqual([]);
    expect(verdict.listings.filter((row) => row.inFiles !== row.held || row.duplicates > 0)).toEqual([]);
  }
}

/** Trades of a day, a second apart, in the columns of the archive. */
function tradesCsv(
  fromId: number,
  count: number,
  price = (id: number) => String(100 + id),
  label = '2024-03-05',
): string {
  return Array.from({ length: count }, (_, i) => {
    const id = fromId + i;
    return `${id},${price(id)},2,${2 * Number(price(id))},${Date.parse(label) + id * 1_000},True,True\n`;
  }).join('');
}

test('bars of a replaced file take the place of those before, which the tag keeps', async () => {
  const at = await loaded(day('2024-03-05'), barsCsv('2024-03-05', minutes));
  const held = `select open_time::varchar as at, open::double as open from market.klines
                 where source = '${at.source}' order by open_time`;
  const before = await rows(held);
  expect(await restate(at)).toMatchObject({ checked: 1, same: 1, restated: [] });

  const lines = barsCsv('2024-03-05', minutes + 2).split('\n');
  lines[3] = lines[3]?.replace(',1.5,3,', ',2.5,3,') ?? '';
  lines.splice(10, 1);
  await put(at.folder, day('2024-03-05'), { csv: lines.join('\n') });
  const { restated } = await restate(at);
  expect(restated).toMatchObject([{ file: day('2024-03-05').path, added: 2, removed: 1, changed: 1 }]);

  const after = await rows(held);
  expect(after).toHaveLength(minutes + 1);
  expect(after[3]).toEqual({ ...before[3], open: 2.5 });
  const [record] = await listRestatements(lake.database, { source: at.source });
  expect(record).toMatchObject({
    ...{ rowsAdded: 2, rowsRemoved: 1, rowsChanged: 1, snapshotAfter: restated[0]?.snapshotId },
    reason: 'the archive published the file anew',
  });
  expect(record?.oldSha256).not.toBe(record?.newSha256);
  expect(record?.sample).toMatchObject([
    { kind: 'changed', key: us('2024-03-05T00:03:00Z'), was: { open: '1.500000000000000000' } },
    { kind: 'removed', key: us('2024-03-05T00:10:00Z'), is: null },
    { kind: 'added', key: us('2024-03-05T01:00:00Z'), was: null },
    { kind: 'added' },
  ]);
  expect(await rows(held, record?.tag ?? '')).toEqual(before);
  // What the file has no more is asked for elsewhere.
  expect(await gaps(lake.lake, { source: at.source })).toEqual(
    expect.arrayContaining([expect.objectContaining({ from: us('2024-03-05T00:10:00Z'), kind: 'missing' })]),
  );

  expect(await restate(at)).toMatchObject({ checked: 1, same: 1, restated: [] });
  expect(await listRestatements(lake.database, { source: at.source })).toHaveLength(1);
  await expectProven();
});

test('trades of a replaced file are replaced by id, and those with the same content stay as they are', async () => {
  const at = await loaded(tape, tradesCsv(10, 50));
  const held = `select trade_id, price::double as price, processing_time::varchar as staged from market.trades
                 where source = '${at.source}' order by trade_id`;
  const before = await rows(held);
  const csv = tradesCsv(9, 50, (id) => (id === 20 ? '7' : String(100 + id)));
  await put(at.folder, day('2024-03-05', tape), { csv });
  expect((await restate(at)).restated).toMatchObject([{ added: 1, removed: 1, changed: 1 }]);
  const after = await rows(held);
  expect(after).toHaveLength(50);
  expect(after.map((row) => Number(row['trade_id']))).toEqual(Array.from({ length: 50 }, (_, i) => i + 9));
  expect(after[11]).toMatchObject({ price: 7 });
  expect(after[12]).toEqual(before[11]);
  await expectProven();
});

test('what other sources brought into the time of a file stays', async () => {
  const at = await loaded(tape, tradesCsv(10, 20));
  const more: ArchiveSeries = { kind: 'trades', symbol: 'BTCUSDT' };
  const other = join(lake.dir, randomUUID());
  await put(other, day('2024-03-05', more), { csv: tradesCsv(30, 5) });
  const archive = await openArchive({ location: other, metrics: lake.metrics });
  await backfillTrades({ lake: lake.lake, archive, source: at.source, spillDir: lake.spillDir });
  await put(at.folder, day('2024-03-05', tape), { csv: tradesCsv(10, 19) });
  expect((await restate(at)).restated).toMatchObject([{ added: 0, removed: 1, changed: 0 }]);
  const ids = (await rows(`select trade_id from market.trades where source = '${at.source}' order by 1`)).map(
    (row) => Number(row['trade_id']),
  );
  expect(ids).toEqual([...Array.from({ length: 19 }, (_, i) => i + 10), 30, 31, 32, 33, 34]);
});

test('of two coins that had a name and the same ids, only the one of the file is restated', async () => {
  const source = randomUUID();
  const folder = join(lake.dir, source);
  const coin = { source, symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT', lastTradeId: 30 };
  await lake.database.transaction((tx) =>
    saveListings(tx, [
      {
        ...coin,
        number: 1,
        status: 'BREAK',
        listedUs: 0,
        delistedUs: us('2024-03-06'),
        seenUs: us('2024-03-06'),
      },
      {
        ...coin,
        number: 2,
        status: 'TRADING',
        listedUs: us('2024-03-08'),
        delistedUs: null,
        seenUs: us('2024-03-08'),
      },
    ]),
  );
  await put(folder, day('2024-03-05', tape), { csv: tradesCsv(10, 20) });
  const own = day('2024-03-08', tape);
  const plain = (id: number) => String(200 + id);
  await put(folder, own, { csv: tradesCsv(1, 25, plain, '2024-03-08') });
  const archive = await openArchive({ location: folder, metrics: lake.metrics });
  await backfillTrades({ lake: lake.lake, archive, source, spillDir: lake.spillDir });
  await put(folder, own, { csv: tradesCsv(1, 26, (id) => (id === 15 ? '7' : plain(id)), '2024-03-08') });
  expect((await restate({ source, archive })).restated).toMatchObject([{ added: 1, removed: 0, changed: 1 }]);
  const held = await rows(
    `select date::varchar as day, count(*)::integer as trades, count_if(price = 7)::integer as changed
       from market.trades where source = '${source}' group by date order by date`,
  );
  expect(held).toEqual([
    { day: '2024-03-05', trades: 20, changed: 0 },
    { day: '2024-03-08', trades: 26, changed: 1 },
  ]);
  await expectProven();
});

test('what a rollback has undone is taken again', async () => {
  const at = await loaded(day('2024-03-05'), barsCsv('2024-03-05', minutes));
  const corrected = barsCsv('2024-03-05', minutes).replace(',1.5,3,', ',2.5,3,');
  await put(at.folder, day('2024-03-05'), { csv: corrected });
  expect((await restate(at)).restated).toMatchObject([{ changed: 1 }]);
  const [{ tag } = {}] = await listRestatements(lake.database, { source: at.source });
  await rollbackTable(lake.lake, klines, tag ?? '');
  expect((await restate(at)).restated).toMatchObject([{ added: 0, removed: 0, changed: 1 }]);
  expect(await restate(at)).toMatchObject({ same: 1, restated: [] });
  expect(await listRestatements(lake.database, { source: at.source })).toMatchObject([
    { reason: 'a rollback had undone what the file brought' },
    { reason: 'the archive published the file anew' },
  ]);
});

test('a file packed anew with the same rows changes no snapshot', async () => {
  const at = await loaded(day('2024-03-05'), barsCsv('2024-03-05', minutes));
  await put(at.folder, day('2024-03-05'), { csv: barsCsv('2024-03-05', minutes, 'us') });
  expect((await restate(at)).restated).toMatchObject([
    { added: 0, removed: 0, changed: 0, snapshotId: null },
  ]);
  expect(await listRestatements(lake.database, { source: at.source })).toMatchObject([
    { snapshotBefore: null, snapshotAfter: null, tag: null, sample: [] },
  ]);
});

test('a damaged file is refused and said, one that vanished is noted, and nothing is removed', async () => {
  const at = await loaded(day('2024-03-05'), barsCsv('2024-03-05', minutes));
  await put(at.folder, day('2024-03-05'), { csv: '1,2,3\n' });
  const { damaged, restated } = await restate(at);
  expect(restated).toEqual([]);
  expect(damaged).toMatchObject([
    { file: day('2024-03-05').path, message: expect.stringMatching(/3 columns/) },
  ]);
  expect(await listArchiveFiles(lake.database, { source: at.source })).toMatchObject([
    { verdict: 'damaged' },
  ]);

  await rm(join(at.folder, day('2024-03-05').path));
  await rm(join(at.folder, `${day('2024-03-05').path}.CHECKSUM`));
  expect(await restate(at)).toMatchObject({ vanished: [day('2024-03-05').path] });
  expect(await listArchiveFiles(lake.database, { source: at.source })).toMatchObject([
    { verdict: 'vanished' },
  ]);
  const [{ bars } = {}] = await rows(
    `select count(*)::integer as bars from market.klines where source = '${at.source}'`,
  );
  expect(bars).toBe(minutes);
});
