import type { Exchange, ExchangeSymbol, Ticker } from '#core/exchanges/exchange.ts';
import { openTimeUs } from '#core/market/interval.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { isDelistedStatus } from './select.ts';

const statusesSql = sqlFile(import.meta.url, 'sql/statuses.sql');

/** One of the coins that had a symbol name. Times are the venue's, microseconds since 1970. */
export interface Listing {
  source: string;
  symbol: string;
  /** 1 for the first coin of the name that we know. */
  number: number;
  base: string;
  quote: string;
  status: string;
  /** Open time of its first minute bar; null where the venue has none yet. */
  listedUs: number | null;
  /** End of its last minute bar, or when it was seen gone; null while it is listed. */
  delistedUs: number | null;
  /** The newest id seen; -1 before any. */
  lastTradeId: number;
  /** When it was last seen trading. */
  seenUs: number;
}

/** `BTCUSDT#1` */
export function listingId({ symbol, number }: Pick<Listing, 'symbol' | 'number'>): string {
  return `${symbol}#${number}`;
}

/** What the venue says of a market at an instant. */
export interface Sighting {
  market: ExchangeSymbol;
  ticker: Ticker | undefined;
  nowUs: number;
}

const dayUs = 86_400_000_000;
/** A venue's servers answer from caches: within an hour an older id proves nothing. */
const lagUs = 3_600_000_000;

/** What a market that is seen again is, by what stands in the listing and the ticker alone. */
export type Identity = 'same' | 'another' | 'ask';

/**
 * Whether a market is still the coin we knew. Trade ids that began again, or another base or quote, prove another one.
 * One that had ended and is back with ids that go on may be either: its bars tell ({@link firstAfterUnlistedDay}).
 */
export function identityOf(known: Listing, { market, ticker, nowUs }: Sighting): Identity {
  if (market.base !== known.base || market.quote !== known.quote) return 'another';
  const lastId = ticker?.lastTradeId ?? -1;
  if (lastId >= 0 && lastId < known.lastTradeId && nowUs - known.seenUs > lagUs) return 'another';
  return known.delistedUs !== null && market.status === 'TRADING' ? 'ask' : 'same';
}

/** The open time of the first daily bar after a whole day without one, if there is such a day from `fromUs` on. */
export function firstAfterUnlistedDay(fromUs: number, openTimesUs: readonly number[]): number | undefined {
  let before = openTimeUs(fromUs, '1d');
  for (const at of openTimesUs) {
    if (at - before > dayUs) return at;
    before = at;
  }
  return undefined;
}

/** The newest listing of each symbol that we keep track of. */
export async function currentListings(
  db: Pick<Transaction, 'query'>,
  source: string,
): Promise<ReadonlyMap<string, Listing>> {
  const { rows } = await db.query<Listing>(
    `select distinct on (symbol) source, symbol, number, base, quote, status, listed_us as "listedUs",
            delisted_us as "delistedUs", last_trade_id as "lastTradeId", seen_us as "seenUs"
       from universe.listings where source = $1 order by symbol, number desc`,
    [source],
  );
  return new Map(rows.map((row) => [row.symbol, row]));
}

/** All listings, or those of some symbols, oldest first. */
export async function listListings(
  database: Database,
  filter: { source?: string; symbols?: readonly string[] } = {},
): Promise<Listing[]> {
  const { rows } = await database.query<Listing>(
    `select source, symbol, number, base, quote, status, listed_us as "listedUs", delisted_us as "delistedUs",
            last_trade_id as "lastTradeId", seen_us as "seenUs"
       from universe.listings
      where ($1::text is null or source = $1) and ($2::text[] is null or symbol = any($2))
      order by source, symbol, number`,
    [filter.source ?? null, filter.symbols ?? null],
  );
  return rows;
}

/**
 * What is to be written of a market that we keep track of: one row, or two where the name has gone to another coin (then
 * the earlier one's end comes first). Asks the venue only for what the ticker does not tell.
 */
export async function follow(
  exchange: Exchange,
  known: Listing | undefined,
  sighting: Sighting,
  signal?: AbortSignal,
): Promise<Listing[]> {
  const { market, ticker, nowUs } = sighting;
  const seen = seenAs(exchange.source, sighting);
  if (known === undefined) {
    const first = await exchange.firstKline(market.symbol, '1m', signal);
    return [{ ...seen, number: 1, listedUs: first?.openTimeUs ?? null }];
  }
  const identity = identityOf(known, sighting);
  const endUs = known.delistedUs ?? known.seenUs;
  const relistedDayUs =
    identity === 'ask' ? await firstDayAfter(exchange, market.symbol, endUs, nowUs, signal) : undefined;
  if (identity === 'another' || relistedDayUs !== undefined) {
    const beganUs =
      relistedDayUs ?? (await firstTradeUs(exchange, known, ticker, signal)) ?? openTimeUs(nowUs, '1m');
    const [bar] = await exchange.klines(
      { symbol: market.symbol, interval: '1m', fromUs: beganUs, limit: 1 },
      signal,
    );
    const listedUs = bar?.openTimeUs ?? beganUs;
    const ended = known.delistedUs ?? (await lastBarEndUs(exchange, market.symbol, listedUs - 1, signal));
    return [
      { ...known, status: 'BREAK', delistedUs: Math.min(ended ?? endUs, listedUs) },
      { ...seen, number: known.number + 1, listedUs },
    ];
  }
  const isOver = isDelistedStatus(market.status);
  const delistedUs = isOver
    ? (known.delistedUs ?? (await lastBarEndUs(exchange, market.symbol, nowUs, signal)) ?? nowUs)
    : null;
  return [
    {
      ...known,
      ...{ status: market.status, delistedUs },
      lastTradeId: Math.max(known.lastTradeId, seen.lastTradeId),
      seenUs: market.status === 'TRADING' ? nowUs : known.seenUs,
    },
  ];
}

/** A market whose name the venue does not list any more. */
export function gone(known: Listing, nowUs: number): Listing {
  return { ...known, status: 'GONE', delistedUs: known.delistedUs ?? nowUs };
}

/** Notes which status the venue gives listings at a time. */
export async function noteStatuses(
  tx: Transaction,
  source: string,
  nowUs: number,
  listings: readonly Listing[],
): Promise<void> {
  const seen = listings.map(({ symbol, number, status }) => ({ symbol, number, status }));
  await tx.query(statusesSql, [source, JSON.stringify(seen), nowUs]);
}

/** Writes listings, and tells ingest which coin has a name now. */
export async function saveListings(tx: Transaction, listings: readonly Listing[]): Promise<void> {
  if (listings.length === 0) return;
  await tx.query(
    `insert into universe.listings as held
       (source, symbol, number, base, quote, status, listed_us, delisted_us, last_trade_id, seen_us)
     select source, symbol, number, base, quote, status, "listedUs", "delistedUs", "lastTradeId", "seenUs"
       from jsonb_to_recordset($1::jsonb) as t(source text, symbol text, number integer, base text, quote text,
            status text, "listedUs" bigint, "delistedUs" bigint, "lastTradeId" bigint, "seenUs" bigint)
     on conflict (source, symbol, number) do update
       set status = excluded.status, listed_us = coalesce(held.listed_us, excluded.listed_us),
           delisted_us = excluded.delisted_us, last_trade_id = greatest(held.last_trade_id, excluded.last_trade_id),
           seen_us = greatest(held.seen_us, excluded.seen_us)`,
    [JSON.stringify(listings)],
  );
  await tx.query(
    `update ingest.symbols known set listing = l.listing, updated_at = clock_timestamp()
       from (select distinct on (source, symbol) source, symbol, listing from universe.listings
              order by source, symbol, number desc) l
      where known.source = l.source and known.symbol = l.symbol and known.listing <> l.listing`,
  );
}

function seenAs(source: string, { market, ticker, nowUs }: Sighting): Omit<Listing, 'number' | 'listedUs'> {
  const { symbol, base, quote, status } = market;
  const lastTradeId = ticker?.lastTradeId ?? -1;
  return { source, symbol, base, quote, status, delistedUs: null, lastTradeId, seenUs: nowUs };
}

/** Of a coin whose ids began again: when its first trade was. */
async function firstTradeUs(
  exchange: Exchange,
  known: Listing,
  ticker: Ticker | undefined,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const hasRestarted = ticker !== undefined && ticker.lastTradeId < known.lastTradeId;
  if (!hasRestarted) return undefined;
  const [first] = await exchange.tradesFrom(known.symbol, 0, 1, signal);
  return first === undefined ? undefined : openTimeUs(first.timestampUs, '1m');
}

/** The first day on which a name was traded again after a day on which it was nobody's. */
async function firstDayAfter(
  exchange: Exchange,
  symbol: string,
  endUs: number,
  nowUs: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const bars = await exchange.klines({ symbol, interval: '1d', fromUs: endUs, toUs: nowUs }, signal);
  return firstAfterUnlistedDay(
    endUs,
    bars.map((bar) => bar.openTimeUs),
  );
}

async function lastBarEndUs(
  exchange: Exchange,
  symbol: string,
  atUs: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const [bar] = await exchange.klines({ symbol, interval: '1m', toUs: atUs, limit: 1 }, signal);
  return bar === undefined ? undefined : bar.openTimeUs + 60_000_000;
}
