import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { backfillKlines } from '#pipelines/backfill-klines/backfill.ts';
import { backfillTrades } from '#pipelines/backfill-trades/backfill.ts';
import { listFindings } from '#pipelines/reconcile/findings.ts';
import { reconcileMonth } from '#pipelines/reconcile/reconcile.ts';
import { comparableMonths } from '#pipelines/reconcile/windows.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { buildDue, sql } from './support.ts';

const root = resolve(import.meta.dirname, '../../..');
const marketData = process.env['TICKLAKE_MARKET_DATA'] ?? resolve(root, '../shared/market-data');
const location = join(marketData, 'archive');

// Recorded data is not part of the project and nothing installs it: without it these are counted as skipped.
describe.skipIf(!existsSync(location))(
  'candles of the recorded tape, eleven minutes around a midnight',
  () => {
    let held: TestLake;
    beforeAll(async () => {
      held = await openTestLake();
      const { lake, spillDir, metrics } = held;
      const archive = await openArchive({ location, metrics });
      const selection = { lake, archive, source: 'binance', spillDir, symbols: ['BTCUSDT', 'ETHUSDT'] };
      await backfillTrades(selection);
      await backfillKlines({ ...selection, intervals: ['1d'] });
      await buildDue(held);
    });
    afterAll(async () => {
      await held.close();
    });

    it('are complete but for the minutes that the tape begins and ends in', async () => {
      const rows = await sql(
        held,
        `select symbol, count(*) as bars, sum(trade_count)::bigint as trades,
              string_agg(strftime(open_time, '%H:%M'), ' ' order by open_time) filter (not is_complete) as partial
         from market.candles where "interval" = '1m' group by symbol order by symbol`,
      );
      expect(rows).toEqual([
        { symbol: 'BTCUSDT', bars: '12', trades: '19904', partial: '23:54 00:05' },
        { symbol: 'ETHUSDT', bars: '12', trades: '14515', partial: '23:54 00:05' },
      ]);
    });

    it('cut the days where the exchange does: its own daily bars close and open with the same trades', async () => {
      const rows = await sql(
        held,
        `select c.symbol, c.date::varchar as day, c.open = k.open as opens, c.close = k.close as closes
         from market.candles c join market.klines k using (source, symbol, "interval", open_time) order by 1, 2`,
      );
      expect(rows).toEqual(
        ['BTCUSDT', 'ETHUSDT'].flatMap((symbol) => [
          { symbol, day: '2024-08-08', opens: false, closes: true },
          { symbol, day: '2024-08-09', opens: true, closes: false },
        ]),
      );
    });

    it('are reported where they say less than the exchange’s bars, which are believed', async () => {
      for (const month of await comparableMonths(held.database, {})) {
        await reconcileMonth(held, month, {}, { run: 'recorded' });
      }
      const found = await listFindings(held.database);
      expect(found.length).toBeGreaterThan(20);
      expect(new Set(found.map(({ trusted, reason }) => `${trusted}: ${reason}`))).toEqual(
        new Set(['klines: trades of the bar are not held']),
      );
    });
  },
);
