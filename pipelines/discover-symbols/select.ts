import type { ExchangeSymbol, Ticker } from '#core/exchanges/exchange.ts';
import { liquidityByBase, ratesIn, withTickers } from './liquidity.ts';
import { isLeveraged, lastRank, type UniverseRules } from './rules.ts';

/** Why a market is not in the universe. */
export type DropReason =
  | 'delisted'
  | 'halted'
  | 'leveraged'
  | 'excluded_quote'
  | 'excluded_base'
  | 'counted_with_its_coin'
  | 'no_market_in_quote'
  | 'no_trades'
  | 'rank';

export interface Chosen {
  market: ExchangeSymbol;
  /** 1 for the most liquid. */
  rank: number;
  /** Traded in 24 hours in all markets of the coin, in the common quote. A statistic, not money. */
  liquidity: number;
}

export interface Dropped {
  symbol: string;
  reason: DropReason;
}

export interface Selection {
  /** By rank; at most {@link lastRank} of them. */
  chosen: Chosen[];
  /** All other markets, by symbol. */
  dropped: Dropped[];
}

export interface Candidates {
  symbols: readonly ExchangeSymbol[];
  tickers: readonly Ticker[];
  /** Symbols of the previous universe whose coin is still the same. */
  previous: ReadonlySet<string>;
}

/** Chooses one market for each of the most liquid coins. The same input, in whatever order, gives the same answer. */
export function selectUniverse({ symbols, tickers, previous }: Candidates, rules: UniverseRules): Selection {
  const markets = [...symbols].sort((a, b) => bySymbol(a.symbol, b.symbol));
  const assets = new Set(markets.flatMap(({ base, quote }) => [base, quote]));
  const reasons = new Map<string, DropReason>();
  const drop = (market: ExchangeSymbol, reason: DropReason) => reasons.set(market.symbol, reason);

  const open = markets.filter((market) => {
    const reason = statusReason(market.status);
    if (reason !== undefined) drop(market, reason);
    return reason === undefined;
  });
  const traded = withTickers(open, tickers);
  const fit = traded.filter(({ market }) => {
    const reason = kindReason(market, assets, rules);
    if (reason !== undefined) drop(market, reason);
    return reason === undefined;
  });
  const liquidity = liquidityByBase(fit, ratesIn(rules.quote, traded));
  const inQuote = fit.filter(({ market }) => market.quote === rules.quote);
  const bases = new Set(inQuote.map(({ market }) => market.base));
  for (const { market } of fit) {
    if (market.quote === rules.quote) continue;
    drop(market, bases.has(market.base) ? 'counted_with_its_coin' : 'no_market_in_quote');
  }

  const ranked = inQuote
    .map(({ market, quoteVolume }) => ({
      market,
      liquidity: quoteVolume > 0 ? (liquidity.get(market.base) ?? 0) : 0,
    }))
    .sort((a, b) => b.liquidity - a.liquidity || bySymbol(a.market.symbol, b.market.symbol));
  const stays = lastRank(rules);
  const chosen: Chosen[] = [];
  for (const [i, { market, liquidity: worth }] of ranked.entries()) {
    const rank = i + 1;
    if (worth === 0) drop(market, 'no_trades');
    else if (rank <= rules.top || (rank <= stays && previous.has(market.symbol)))
      chosen.push({ market, rank, liquidity: worth });
    else drop(market, 'rank');
  }
  const dropped = [...reasons].map(([symbol, reason]) => ({ symbol, reason }));
  return { chosen, dropped: dropped.sort((a, b) => bySymbol(a.symbol, b.symbol)) };
}

/** Whether the venue lists a market that has ended; it says BREAK, and never why. */
export function isDelistedStatus(status: string): boolean {
  return status === 'BREAK';
}

function statusReason(status: string): DropReason | undefined {
  if (status === 'TRADING') return undefined;
  return isDelistedStatus(status) ? 'delisted' : 'halted';
}

function kindReason(
  market: ExchangeSymbol,
  assets: ReadonlySet<string>,
  rules: UniverseRules,
): DropReason | undefined {
  if (isLeveraged(market, assets)) return 'leveraged';
  if (rules.excludedQuotes.includes(market.quote)) return 'excluded_quote';
  if (rules.excludedBases.includes(market.base)) return 'excluded_base';
  return undefined;
}

/** By code unit: the same on every machine, whatever its language. */
function bySymbol(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
