import { changePercent } from './change-percent.ts';
import type { Market } from './schemas/markets.ts';
import type { StreamTrade } from './schemas/stream.ts';

/** The newest trades of markets, where some came lately. */
export interface LiveTrades {
  last(source: string, symbol: string): Pick<StreamTrade, 'sequence' | 'price' | 'timestamp'> | undefined;
  symbols(source: string): string[];
  /** Whether what came last is known: not before the log was read at the start, and not while it cannot be. */
  isKnown(): boolean;
}

/** Markets of a source: those that are held, each with its newest trade, and those of which nothing is committed yet. */
export function withLive(held: readonly Market[], source: string, live: LiveTrades): Market[] {
  const known = new Set(held.map((market) => market.symbol));
  const added = live.symbols(source).filter((symbol) => !known.has(symbol));
  return [
    ...held.map((market) => withNewest(market, live)),
    ...added.flatMap((symbol) => onlyLive(source, symbol, live)),
  ];
}

function withNewest(market: Market, live: LiveTrades): Market {
  const trade = live.last(market.source, market.symbol);
  if (trade === undefined || trade.sequence <= market.lastTradeId) return market;
  return {
    ...market,
    lastPrice: trade.price,
    lastTradeId: trade.sequence,
    lastTime: trade.timestamp,
    changePercent:
      market.openPrice === null ? null : changePercent(Number(market.openPrice), Number(trade.price)),
  };
}

function onlyLive(source: string, symbol: string, live: LiveTrades): Market[] {
  const trade = live.last(source, symbol);
  if (trade === undefined) return [];
  return [
    {
      symbol,
      source,
      lastPrice: trade.price,
      lastTradeId: trade.sequence,
      lastTime: trade.timestamp,
      openPrice: null,
      highPrice: null,
      lowPrice: null,
      changePercent: null,
      volume: null,
      quoteVolume: null,
      tradeCount: 0,
    },
  ];
}
