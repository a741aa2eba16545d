import type { LiveCandles } from '#core/features/live-candles.ts';
import type { DuckDb } from '#core/lake/duckdb.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { LogBatch } from '#core/streams/event-log.ts';
import { venueTimes, withValidTrades, type VenueTime } from '../ingest-trades/stage.ts';
import { futureToleranceUs, knownSymbols } from '../ingest-trades/symbols.ts';

export interface TakeTarget {
  database: Database;
  duck: DuckDb;
  live: LiveCandles;
  spillDir: string;
}

/** Takes a batch's trades by the same checks as the lake's consumer: what that refuses is in no bar either. */
export async function takeTrades(
  { database, duck, live, spillDir }: TakeTarget,
  batches: readonly LogBatch[],
): Promise<{ trades: number; times: VenueTime[] }> {
  const symbols = await knownSymbols(database, futureToleranceUs);
  const latestUs = Date.now() * 1_000 + futureToleranceUs;
  const trades = await withValidTrades(duck, spillDir, batches, symbols, latestUs, (valid) =>
    live.takeNew(valid),
  );
  return { trades, times: await venueTimes(duck, 'live.batch') };
}
