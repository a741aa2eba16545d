import type { ExchangeSymbol, Ticker } from '#core/exchanges/exchange.ts';

/** A market with what was traded in it in 24 hours, in its own quote. */
export interface Traded {
  market: ExchangeSymbol;
  quoteVolume: number;
  lastPrice: number;
}

/** Markets with their tickers; a market without a ticker or without trades has nothing traded and no price. */
export function withTickers(markets: readonly ExchangeSymbol[], tickers: readonly Ticker[]): Traded[] {
  const bySymbol = new Map(tickers.map((ticker) => [ticker.symbol, ticker]));
  return markets.map((market) => {
    const ticker = bySymbol.get(market.symbol);
    const isTraded = ticker !== undefined && ticker.tradeCount > 0;
    return {
      market,
      quoteVolume: isTraded ? positive(ticker.quoteVolume) : 0,
      lastPrice: isTraded ? positive(ticker.lastPrice) : 0,
    };
  });
}

/**
 * What one unit of each asset is worth in the common quote, by the last price of the market between the two, whichever
 * way round it is. Assets without such a market that was traded are left out.
 */
export function ratesIn(quote: string, traded: readonly Traded[]): ReadonlyMap<string, number> {
  const rates = new Map<string, number>();
  for (const { market, lastPrice } of traded) {
    if (market.base === quote && lastPrice > 0) rates.set(market.quote, 1 / lastPrice);
  }
  for (const { market, lastPrice } of traded) {
    if (market.quote === quote && lastPrice > 0) rates.set(market.base, lastPrice);
  }
  return rates.set(quote, 1);
}

/** What was traded of each base in all its markets, in the common quote; markets whose quote has no rate add nothing. */
export function liquidityByBase(
  traded: readonly Traded[],
  rates: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { market, quoteVolume } of traded) {
    sums.set(market.base, (sums.get(market.base) ?? 0) + quoteVolume * (rates.get(market.quote) ?? 0));
  }
  return sums;
}

function positive(text: string): number {
  const value = Number(text);
  return Number.isFinite(value) && value > 0 ? value : 0;
}
