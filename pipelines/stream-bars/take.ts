import type { LiveCandles } from '#core/features/live-candles.ts';
import type { DuckDb } from '#core/lake/duckdb.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { LogBatch } from '#core/streams/event-log.ts';
import { acceptNew, batchSpans, checkBatch, type VenueTime } from '../ingest-trades/stage.ts';
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
  await checkBatch(duck, spillDir, batches, symbols, Date.now() * 1_000 + futureToleranceUs);
  const spans = await batchSpans(duck);
  const listings = new Map(symbols.map(({ source, symbol, listing }) => [`${source} ${symbol}`, listing]));
  const held = live.taken().flatMap(({ source, symbol, lo, hi }) => {
    const listing = listings.get(`${source} ${symbol}`);
    const isIn = spans.some(
      (span) => span.source === source && span.listing === listing && lo < span.hi && span.lo < hi,
    );
    return listing !== undefined && isIn ? [{ source, listing, lo, hi }] : [];
  });
  const { accepted, counts, venueTimes } = await acceptNew(duck, held, new Date());
  const trades = counts.committedStream + counts.committedRepair;
  if (trades > 0) await live.take(accepted);
  return { trades, times: venueTimes };
}
