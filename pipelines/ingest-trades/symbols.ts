import type { ExchangeSymbol } from '#core/exchanges/exchange.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import type { KnownSymbol, VenueTime } from './stage.ts';

/** How far trades may be ahead of their venue's clock as last noted, or of ours. */
export const futureToleranceUs = 24 * 3_600 * 1_000_000;

/** `BTCUSDT#1`: a listing's number tells apart coins that used one symbol name. */
export function firstListing(symbol: string): string {
  return `${symbol}#1`;
}

/** Makes markets known, so that their trades are accepted. */
export async function registerSymbols(
  database: Database,
  source: string,
  symbols: readonly Pick<
    ExchangeSymbol,
    'symbol' | 'base' | 'quote' | 'status' | 'tickSize' | 'stepSize' | 'minNotional'
  >[],
): Promise<void> {
  await database.query(
    `insert into ingest.symbols as known (source, symbol, listing, base, quote, status, tick_size, step_size, min_notional)
     select $1, t.* from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                                $9::text[]) as t
     on conflict (source, symbol) do update
       set base = excluded.base, quote = excluded.quote, status = excluded.status, tick_size = excluded.tick_size,
           step_size = excluded.step_size, min_notional = excluded.min_notional, updated_at = clock_timestamp()`,
    [
      source,
      symbols.map((symbol) => symbol.symbol),
      symbols.map((symbol) => firstListing(symbol.symbol)),
      symbols.map((symbol) => symbol.base),
      symbols.map((symbol) => symbol.quote),
      symbols.map((symbol) => symbol.status),
      symbols.map((symbol) => symbol.tickSize),
      symbols.map((symbol) => symbol.stepSize),
      symbols.map((symbol) => symbol.minNotional),
    ],
  );
}

/** Notes a venue's clock: its trades may not lie far beyond it. Simulated venues run ahead of ours. */
export async function noteVenueTime(database: Database, source: string, timeUs: number): Promise<void> {
  await database.query(
    `insert into ingest.venues as known (source, time_us) values ($1, $2)
     on conflict (source) do update set time_us = greatest(known.time_us, excluded.time_us), noted_at = clock_timestamp()`,
    [source, timeUs],
  );
}

/**
 * Moves venues' clocks on to the times of accepted trades: while a venue's REST is down its clock cannot be read, and
 * good trades would come to lie beyond it. A venue without a clock is given none: its trades are judged by ours.
 */
export async function followTrades(tx: Transaction, times: readonly VenueTime[]): Promise<void> {
  if (times.length === 0) return;
  await tx.query(
    `update ingest.venues known set time_us = seen.time_us, noted_at = clock_timestamp()
       from unnest($1::text[], $2::bigint[]) as seen(source, time_us)
      where known.source = seen.source and known.time_us < seen.time_us`,
    [times.map((seen) => seen.source), times.map((seen) => seen.timeUs)],
  );
}

/** All markets that ingest accepts; each venue's trades may be `toleranceUs` ahead of its clock as last noted. */
export async function knownSymbols(database: Database, toleranceUs: number): Promise<KnownSymbol[]> {
  const { rows } = await database.query<{
    source: string;
    symbol: string;
    listing: string;
    time_us: number | null;
  }>(
    `select s.source, s.symbol, s.listing, v.time_us from ingest.symbols s left join ingest.venues v using (source)`,
  );
  return rows.map((row) => ({
    source: row.source,
    symbol: row.symbol,
    listing: row.listing,
    latestUs: row.time_us === null ? null : row.time_us + toleranceUs,
  }));
}
