import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { coverage, gaps } from '#core/lake/ledger.ts';
import { backfillTrades } from '#pipelines/backfill-trades/backfill.ts';
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
