import { changePercent } from './change-percent.ts';
import type { Market } from './schemas/markets.ts';
import type { StreamTrade } from './schemas/stream.ts';

/** The newest trade of a market, where one came lately. */
export interface LiveTrades {
  last(source: string, symbol: string): Pick<StreamTrade, 'sequence' | 'price' | 'timestamp'> | undefined;
}

/** The market with the newest trade in place of the newest one that is committed. */
export function withNewest(market: Market, live: LiveTrades): Market {
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
