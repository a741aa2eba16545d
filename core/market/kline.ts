import type { Interval } from './interval.ts';

/**
 * A bar as the exchange made it. Prices and quantities are decimal text, times microseconds since 1970 UTC. A bar of
 * ours, made from trades, is a candle.
 */
export interface Kline {
  /** The venue: `binance`, `simulator:42`. */
  source: string;
  symbol: string;
  interval: Interval;
  openTimeUs: number;
  /** Last instant of the bar, in the venue's precision: 23:59:59.999 or 23:59:59.999999. */
  closeTimeUs: number;
  open: string;
  high: string;
  low: string;
  close: string;
  /** In base asset, in quote asset. */
  volume: string;
  quoteVolume: string;
  tradeCount: number;
  /** What takers bought of it, in base and in quote asset. */
  takerBuyVolume: string;
  takerBuyQuoteVolume: string;
  /** The exchange has no bar here; ours is flat at the close before it, without volume. */
  isFilled: boolean;
}
