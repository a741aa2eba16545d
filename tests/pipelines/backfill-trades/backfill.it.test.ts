import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { coverage, gaps } from '#core/lake/ledger.ts';
import { backfillTrades } from '#pipelines/backfill-trades/backfill.ts';
import { saveListings } from '#pipelines/discover-symbols/listings.ts';
import { day, put } from '#tests/core/exchanges/binance/archive/support.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { requires } from '#tests/support/require.ts';

let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

const tape = { kind: 'trades', symbol: 'BTCUSDT' } as const;

/** Trades spread evenly over a UTC day. */
function tradesCsv(label: string, fromId: number, count: number, price = '100.5'): string {
  const lines = Array.from({ length: count }, (_, i) => {
    const time = Date.parse(label) + Math.floor((i * 86_400_000) / count);
    return `${fromId + i},${price},0.25,25.125,${time},${i % 2 === 0 ? 'True' : 'False'},True\n`;
  });
  return lines.join('');
}

async function load(folder: string, source: string) {
  const archive = await openArchive({ location: folder, metrics: lake.metrics });
  return await backfillTrades({ lake: lake.lake, archive, source, spillDir: lake.spillDir });
}

test('trades come in once; damage is named, differences from what is held are reported', async () => {
  const source = randomUUID();
  const folder = join(lake.dir, source);
  await put(folder, day('2024-03-05', tape), { csv: tradesCsv('2024-03-05', 10, 2_000) });
  await put(folder, day('2024-03-06', tape), { csv: tradesCsv('2024-03-06', 2_010, 2_000) });
  await put(folder, day('2024-03-07', tape), { csv: tradesCsv('2024-03-07', 4_010, 2_000, '-1') });
  const first = await load(folder, source);
  expect(first).toMatchObject({ tasks: 3, done: 2, failed: 1, rows: 4_000, unchanged: 0, differences: [] });
  expect(first.failures[0]?.message).toMatch(/2024-03-07\.zip, line 1: price or quantity is not positive/);
  expect(await load(folder, source)).toMatchObject({ rows: 0, unchanged: 2, differences: [] });
  expect(await coverage(lake.lake, { source })).toMatchObject([{ held: 4_000, missing: 0 }]);

  const other = tradesCsv('2024-03-06', 2_010, 2_000).replace('2011,100.5', '2011,100.6');
  await put(folder, day('2024-03-06', tape), { csv: other });
  const third = await load(folder, source);
  expect(third).toMatchObject({ rows: 0, differences: [{ symbol: 'BTCUSDT', tradeId: 2_011 }] });
});

test('ids between separate days were not requested', async () => {
  const source = randomUUID();
  const folder = join(lake.dir, source);
  await put(folder, day('2024-03-05', tape), { csv: tradesCsv('2024-03-05', 10, 2_000) });
  await put(folder, day('2024-03-08', tape), { csv: tradesCsv('2024-03-08', 9_010, 2_000) });
  await load(folder, source);
  expect(await gaps(lake.lake, { source })).toMatchObject([
    { from: 2_010, to: 9_010, kind: 'explained', cause: 'not_requested' },
  ]);
});

test('days with a header, in microseconds, out of order or with a line twice are the same tape', async () => {
  const source = randomUUID();
  const folder = join(lake.dir, source);
  const columns = 'id,price,qty,quote_qty,time,is_buyer_maker,is_best_match\n';
  const plain = tradesCsv('2025-01-01', 10, 2_000);
  const micros = plain.replaceAll(/,(\d{13}),/g, ',$1000,');
  const lines = plain.split('\n').slice(0, -1);
  await put(folder, day('2025-01-01', tape), { csv: columns + micros });
  const next = tradesCsv('2025-01-02', 2_010, 2_000).split('\n').slice(0, -1);
  await put(folder, day('2025-01-02', tape), { csv: [...next.toReversed(), next[7], ''].join('\n') });
  expect(lines).toHaveLength(2_000);
  expect(await load(folder, source)).toMatchObject({ tasks: 2, done: 2, rows: 4_000, differences: [] });
  expect(await coverage(lake.lake, { source })).toMatchObject([
    { lo: 10, hi: 4_010, held: 4_000, missing: 0 },
  ]);
  const { rows } = await lake.database.query(
    'select day::text, first_id, last_id from lake.tape_days where source = $1 order by day',
    [source],
  );
  expect(rows).toEqual([
    { day: '2025-01-01', first_id: 10, last_id: 2_009 },
    { day: '2025-01-02', first_id: 2_010, last_id: 4_009 },
  ]);

  // An id with two contents proves the file wrong.
  const other = (next[7] ?? '').replace('100.5', '100.7');
  await put(folder, day('2025-01-03', tape), {
    csv: [...next.map((line) => line.replace(/,1735(\d{9}),/, () => `,${Date.parse('2025-01-03')},`)), other]
      .join('\n')
      .replaceAll(/,1735\d{9},/g, `,${Date.parse('2025-01-03')},`),
  });
  const third = await load(folder, source);
  expect(third.failures).toMatchObject([
    { damage: 'trade', message: expect.stringMatching(/twice/) as string },
  ]);
});

test('of days and their month together each is taken once; a month is split between coins', async () => {
  const source = randomUUID();
  const folder = join(lake.dir, source);
  const days = [1, 2, 3].map((n) => tradesCsv(`2024-02-0${n}`, 1_000 * n, 1_000));
  await put(folder, day('2024-02', tape), { csv: days.join('') });
  await put(folder, day('2024-02-02', tape), { csv: days[1] ?? '' });
  const coin = { source, symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT', lastTradeId: 1, seenUs: 1 };
  const second = Date.parse('2024-02-03') * 1_000;
  await lake.database.transaction((tx) =>
    saveListings(tx, [
      { ...coin, number: 1, status: 'GONE', listedUs: 0, delistedUs: second },
      { ...coin, number: 2, status: 'TRADING', listedUs: second, delistedUs: null },
    ]),
  );
  expect(await load(folder, source)).toMatchObject({ tasks: 1, done: 1, rows: 3_000 });
  expect(await coverage(lake.lake, { source })).toMatchObject([
    { listing: 'BTCUSDT#1', lo: 1_000, hi: 3_000, held: 2_000, missing: 0 },
    { listing: 'BTCUSDT#2', lo: 3_000, hi: 4_000, held: 1_000, missing: 0 },
  ]);
  expect(await load(folder, source)).toMatchObject({ rows: 0, unchanged: 1 });
  const { rows } = await lake.database.query(
    'select path, rows::int as rows from lake.archive_files where source = $1',
    [source],
  );
  expect(rows).toMatchObject([{ path: 'data/spot/monthly/trades/BTCUSDT/BTCUSDT-trades-2024-02.zip' }]);
});

const recorded = join(process.env['TICKLAKE_MARKET_DATA'] ?? '../shared/market-data', 'archive');

test(
  'the recorded tape loads whole; its partial days are explained',
  requires(existsSync(recorded), 'recorded market data', 'Set TICKLAKE_MARKET_DATA to its folder.'),
  async () => {
    const source = randomUUID();
    expect(await load(recorded, source)).toMatchObject({ failed: 0, rows: 19_904 + 14_515, unchanged: 0 });
    expect(await coverage(lake.lake, { source })).toMatchObject([
      { symbol: 'BTCUSDT', held: 19_904, missing: 0 },
      { symbol: 'ETHUSDT', held: 14_515, missing: 0 },
    ]);
    const listed = await gaps(lake.lake, { source });
    expect(listed.map(({ cause }) => cause)).toEqual(Array(4).fill('partial_source'));
    expect(await load(recorded, source)).toMatchObject({ rows: 0, unchanged: 4, differences: [] });
  },
);
