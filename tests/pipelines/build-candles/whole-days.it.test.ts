import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { trades, tableId } from '#core/lake/tables.ts';
import { backfillTrades } from '#pipelines/backfill-trades/backfill.ts';
import { want } from '#pipelines/detect-gaps/wanted.ts';
import { day, put } from '#tests/core/exchanges/binance/archive/support.ts';
import { openTestLake, tradeOf, type TestLake } from '#tests/support/lake.ts';
import { buildDue, holdTrades, sql } from './support.ts';

/** Every 43 seconds from some hours after midnight on. */
function tradesCsv(label: string, fromId: number, fromHour = 0): string {
  const count = Math.floor(((24 - fromHour) * 3_600) / 43);
  return Array.from({ length: count }, (_, i) => {
    const time = Date.parse(label) + fromHour * 3_600_000 + i * 43_000;
    return `${fromId + i},100.5,0.25,25.125,${time},${i % 2 === 0 ? 'True' : 'False'},True\n`;
  }).join('');
}

describe('a day that stands alone', { timeout: 120_000 }, () => {
  let held: TestLake;
  beforeAll(async () => {
    held = await openTestLake();
  });
  afterAll(async () => {
    await held.close();
  });

  const daily = (source: string) =>
    sql(
      held,
      `select symbol, is_complete as complete, trade_count::integer as trades from market.candles
        where source = '${source}' and "interval" = '1d' order by symbol`,
    );

  test('is complete where the archive’s file of it was taken whole', async () => {
    const folder = join(held.dir, 'archive');
    const tape = { kind: 'trades' } as const;
    await put(folder, day('2024-03-05', { ...tape, symbol: 'BTCUSDT' }), {
      csv: tradesCsv('2024-03-05', 10),
    });
    await put(folder, day('2024-03-05', { ...tape, symbol: 'ETHUSDT' }), {
      csv: tradesCsv('2024-03-05', 10, 6),
    });
    const archive = await openArchive({ location: folder, metrics: held.metrics });
    await backfillTrades({ lake: held.lake, archive, source: 'filed', spillDir: held.spillDir });
    await buildDue(held);
    expect(await daily('filed')).toEqual([
      { symbol: 'BTCUSDT', complete: true, trades: 2_009 },
      { symbol: 'ETHUSDT', complete: false, trades: 1_506 },
    ]);
    const [minutes] = await sql(
      held,
      `select count(*) as bars from market.candles where source = 'filed' and symbol = 'BTCUSDT' and "interval" = '1m'`,
    );
    expect(minutes).toEqual({ bars: '1440' });
  });

  test('becomes complete when it is known which ids it has', async () => {
    const ids = Array.from({ length: 100 }, (_, i) => i);
    await holdTrades(
      held,
      ids.map((id) => tradeOf('asked', 'BTCUSDT', id)),
    );
    await buildDue(held);
    expect(await daily('asked')).toMatchObject([{ complete: false }]);

    const window = { table: tableId(trades), source: 'asked', listing: 'BTCUSDT#1', rank: 1 };
    await want(held.database, [{ ...window, day: '2024-08-08', lo: 0, hi: 100 }]);
    // Without the day after it, more of the day may come.
    expect(await buildDue(held)).toEqual([]);
    await want(held.database, [{ ...window, day: '2024-08-09', lo: 100, hi: 200 }]);
    // Of each interval the first and the last bar with trades, which are one, and the empty ones to the end of the day.
    const [built] = await buildDue(held);
    expect(built?.revised).toBeGreaterThanOrEqual(12);
    expect(await daily('asked')).toMatchObject([{ complete: true }]);
  });
});
