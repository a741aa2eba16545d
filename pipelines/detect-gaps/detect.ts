import type { Exchange } from '#core/exchanges/exchange.ts';
import { tableId, klines, trades } from '#core/lake/tables.ts';
import { openTimeUs, type Interval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import {
  follow,
  listingId,
  listListings,
  saveListings,
  type Listing,
} from '#pipelines/discover-symbols/listings.ts';
import { listUniverse } from '#pipelines/discover-symbols/universe.ts';
import { barWindow } from './partitions.ts';
import { tradeDays } from './trade-days.ts';
import { expectWanted, gapTasks, unranked, want, type GapTask, type Wanted } from './wanted.ts';

export interface DetectOptions {
  exchange: Exchange;
  database: Database;
  /** Default: the universe. */
  symbols?: readonly string[];
  /** Intervals of klines; none leaves klines out. */
  intervals: readonly Interval[];
  /** Whether trades are wanted too. */
  trades: boolean;
  /** Default: what `days` says; else the listing, for trades the day before. */
  fromUs?: number;
  /** How many UTC days back from today's begin, by interval and for trades. */
  days?: Readonly<Partial<Record<Interval | 'trades', number>>>;
  /** Default, and the latest: the venue's time. */
  toUs?: number;
  /** Says what would be wanted and missing, and writes nothing. */
  dryRun?: boolean;
  metrics: Metrics;
  signal?: AbortSignal;
}

export interface Detected {
  source: string;
  /** Windows that are wanted from now on. */
  wanted: Wanted[];
  /** What of these symbols, intervals and trades is missing, the most valuable first. */
  tasks: GapTask[];
}

const dayUs = 86_400_000_000;

/**
 * Filter 2: makes the windows that are asked for wanted, and says what of all that is wanted is missing. Bars are wanted
 * from listing to delisting and only when closed; trades by id, in whole days, of the coin that has the name now.
 * @throws NOT_FOUND where there is no universe, or no such market; and what the exchange throws.
 */
export async function detectGaps(options: DetectOptions): Promise<Detected> {
  const { exchange, database, metrics, signal } = options;
  const { source } = exchange;
  const nowUs = await exchange.timeUs(signal);
  const ranks = new Map((await listUniverse(database, { source })).map(({ symbol, rank }) => [symbol, rank]));
  const symbols = options.symbols ?? [...ranks.keys()];
  if (symbols.length === 0) {
    throw new TicklakeError('NOT_FOUND', `no market of ${source} was chosen`, {
      remedy: 'Run `ticklake symbols discover`, or name markets: --symbols A,B.',
    });
  }
  const { known, found } = await listingsOf(options, symbols, nowUs);
  const wanted: Wanted[] = [];
  for (const [symbol, listings] of Map.groupBy([...known, ...found], (listing) => listing.symbol)) {
    const rank = ranks.get(symbol) ?? unranked;
    wanted.push(...listings.flatMap((listing) => barsWanted(options, listing, rank, nowUs)));
    // By id and by time, a venue gives the coin that has the name now.
    const newest = listings.at(-1);
    if (options.trades && newest !== undefined) {
      wanted.push(...(await tradesWanted(options, newest, rank, nowUs)));
    }
  }
  const intervals = [...options.intervals, ...(options.trades ? [''] : [])];
  const tasks = await database.transaction(async (tx) => {
    await tx.query('savepoint before');
    await saveListings(tx, found);
    await want(tx, wanted);
    await expectWanted(tx, wanted);
    const missing = await gapTasks(tx, { source, symbols, intervals });
    if (options.dryRun === true) await tx.query('rollback to savepoint before');
    return missing;
  });
  const gauge = metrics.gauge('ticklake_gap_tasks', 'Pieces of work that gaps make, when last detected', [
    'source',
  ]);
  gauge.set({ source }, tasks.length);
  return { source, wanted, tasks };
}

/** All listings of the symbols, by number; of a market that nobody has chosen yet, its first, which is to be saved. */
async function listingsOf(
  { exchange, database, signal }: DetectOptions,
  symbols: readonly string[],
  nowUs: number,
): Promise<{ known: Listing[]; found: Listing[] }> {
  const known = await listListings(database, { source: exchange.source, symbols });
  const unknown = symbols.filter((symbol) => !known.some((listing) => listing.symbol === symbol));
  if (unknown.length === 0) return { known, found: [] };
  const markets = new Map((await exchange.symbols(signal)).map((market) => [market.symbol, market]));
  const found: Listing[] = [];
  for (const symbol of unknown) {
    const market = markets.get(symbol);
    if (market === undefined) {
      throw new TicklakeError('NOT_FOUND', `${exchange.source} has no market ${symbol}`, {
        remedy: 'Name markets that the venue lists: --symbols A,B.',
      });
    }
    found.push(...(await follow(exchange, undefined, { market, ticker: undefined, nowUs }, signal)));
  }
  return { known, found };
}

function barsWanted(options: DetectOptions, listing: Listing, rank: number, nowUs: number): Wanted[] {
  const { intervals, toUs } = options;
  const { source, listedUs, delistedUs } = listing;
  if (listedUs === null) return [];
  return intervals.flatMap((interval) => {
    const fromUs = fromOf(options, interval, nowUs);
    const asked = {
      nowUs,
      ...(fromUs === undefined ? {} : { fromUs }),
      ...(toUs === undefined ? {} : { toUs }),
    };
    const window = barWindow(interval, { listedUs, delistedUs }, asked);
    if (window === undefined) return [];
    const { from: lo, to: hi } = window;
    return [{ table: tableId(klines), source, listing: listingId(listing), interval, lo, hi, rank }];
  });
}

async function tradesWanted(
  options: DetectOptions,
  listing: Listing,
  rank: number,
  nowUs: number,
): Promise<Wanted[]> {
  const { exchange, database, signal } = options;
  const { source, symbol, listedUs, delistedUs } = listing;
  if (listedUs === null) return [];
  const fromUs = Math.max(fromOf(options, 'trades', nowUs) ?? nowUs - dayUs, listedUs);
  const toUs = Math.min(options.toUs ?? nowUs, nowUs, delistedUs ?? Infinity);
  if (fromUs >= toUs) return [];
  const table = tableId(trades);
  const id = listingId(listing);
  const { rows } = await database.query<{ day: string; lo: number }>(
    `select day::text as day, lo from lake.wanted
      where table_name = $1 and source = $2 and listing = $3 and day is not null`,
    [table, source, id],
  );
  const known = new Map(rows.map(({ day, lo }) => [day, lo]));
  const days = await tradeDays({
    ...{ exchange, symbol, fromUs, toUs, known },
    ...(signal === undefined ? {} : { signal }),
  });
  return days.map((day) => ({ table, source, listing: id, rank, ...day }));
}

function fromOf(
  { fromUs, days }: DetectOptions,
  what: Interval | 'trades',
  nowUs: number,
): number | undefined {
  const back = days?.[what];
  return fromUs ?? (back === undefined ? undefined : openTimeUs(nowUs, '1d') - back * dayUs);
}
