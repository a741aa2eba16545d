import type { Exchange } from '#core/exchanges/exchange.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { noteVenueTime, registerSymbols } from '#pipelines/ingest-trades/symbols.ts';
import {
  currentListings,
  follow,
  gone,
  listingId,
  noteStatuses,
  saveListings,
  type Listing,
} from './listings.ts';
import type { UniverseRules } from './rules.ts';
import { selectUniverse, type Selection } from './select.ts';
import { lastMembers, lockUniverse, publishUniverse } from './universe.ts';

export interface DiscoverOptions {
  exchange: Exchange;
  database: Database;
  rules: UniverseRules;
  metrics: Metrics;
  /** Whether nothing is to be written. */
  dryRun?: boolean;
  signal?: AbortSignal;
}

export interface Discovered extends Selection {
  source: string;
  /** The venue's time from which it holds. */
  nowUs: number;
  /** Symbols that came in and went out. */
  entered: string[];
  left: string[];
  /** Names that were found to have gone to another coin. */
  relisted: string[];
}

/**
 * Filter 1: asks the venue what it lists and what was traded, follows the listings of the markets we know, and chooses
 * the universe from then on. Everything is written in one transaction; ingest knows the chosen markets after it.
 * Throws what the exchange throws, and PLAN_STALE.
 */
export async function discoverSymbols(options: DiscoverOptions): Promise<Discovered> {
  const { exchange, database, rules, signal } = options;
  const { source } = exchange;
  const nowUs = await exchange.timeUs(signal);
  const symbols = await exchange.symbols(signal);
  const tickers = await exchange.tickers(signal);

  const before = await lastMembers(database, source);
  const known = await currentListings(database, source);
  const markets = new Map(symbols.map((market) => [market.symbol, market]));
  const tickerOf = new Map(tickers.map((ticker) => [ticker.symbol, ticker]));
  const sight = async (symbol: string, listing: Listing | undefined): Promise<Listing[]> => {
    const market = markets.get(symbol);
    if (market === undefined) return listing === undefined ? [] : [gone(listing, nowUs)];
    return await follow(exchange, listing, { market, ticker: tickerOf.get(symbol), nowUs }, signal);
  };

  const followed: Listing[] = [];
  for (const [symbol, listing] of known) followed.push(...(await sight(symbol, listing)));
  const current = new Map(followed.map((listing) => [listing.symbol, listing]));
  const stillThere = [...before].filter(
    ([symbol, id]) => id === listingId(current.get(symbol) ?? first(symbol)),
  );
  const previous = new Set(stillThere.map(([symbol]) => symbol));
  const selection = selectUniverse({ symbols, tickers, previous }, rules);
  for (const { market } of selection.chosen) {
    if (!known.has(market.symbol)) followed.push(...(await sight(market.symbol, undefined)));
  }
  if (options.dryRun !== true) {
    await write(options, { nowUs, selection, followed });
  }

  const chosen = new Set(selection.chosen.map(({ market }) => market.symbol));
  return {
    ...{ source, nowUs, ...selection },
    entered: [...chosen].filter((symbol) => !before.has(symbol)),
    left: [...before.keys()].filter((symbol) => !chosen.has(symbol)),
    relisted: followed.flatMap(({ symbol, number }) =>
      number > (known.get(symbol)?.number ?? number) ? [symbol] : [],
    ),
  };
}

async function write(
  { exchange, database, rules, metrics }: DiscoverOptions,
  found: { nowUs: number; selection: Selection; followed: readonly Listing[] },
): Promise<void> {
  const { source } = exchange;
  const { nowUs, selection, followed } = found;
  const listings = new Map(followed.map((listing) => [listing.symbol, listing]));
  await database.transaction(async (tx) => {
    await lockUniverse(tx, source);
    await saveListings(tx, followed);
    await noteStatuses(tx, source, nowUs, followed);
    await publishUniverse(tx, { source, nowUs, rules, selection, listings });
  });
  await registerSymbols(
    database,
    source,
    selection.chosen.map(({ market }) => market),
  );
  await noteVenueTime(database, source, nowUs);
  metrics
    .gauge('ticklake_universe_symbols', 'Markets that were chosen last', ['source'])
    .set({ source }, selection.chosen.length);
}

function first(symbol: string): Pick<Listing, 'symbol' | 'number'> {
  return { symbol, number: 1 };
}
