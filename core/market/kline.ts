/**
 * A bar as the exchange made it. Prices and quantities are decimal text, times microseconds since 1970 UTC. A bar of
 * ours, made from trades, is a candle.
 */
export interface Kline {
  symbol: string;
  /** As the venue names it: `1m`, `1d`. */
  interval: string;
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
}
