import type { Interval } from './interval.ts';

/** Topics of the event log that several programs write or read. */

/** Canonical trades of all venues, keyed by {@link tradeKey}. */
export const tradesTopic = 'trades';

/** Bars at their close, {@link CandlestickRecord}. */
export const candlesticksTopic = 'candlesticks';

/** The newest row of the indicators, {@link IndicatorsRecord}. */
export const indicatorsTopic = 'indicators';

/** {@link SignalRecord}s. */
export const signalsTopic = 'signals';

/** Events of trading, keyed by portfolio: the canonical text of each, with its portfolio's id and its number. */
export const ordersTopic = 'orders';

/** Records of one market stand in one partition, in the order they came. */
export function tradeKey(source: string, symbol: string): string {
  return `${source}|${symbol}`;
}

/**
 * A closed bar, made from trades. Delivered at least once: a record with a revision that is known may be dropped, one with
 * a later revision takes the place of the earlier. Times are microseconds since 1970 UTC, amounts are decimals as text.
 */
export interface CandlestickRecord {
  source: string;
  symbol: string;
  interval: StreamInterval;
  open_us: number;
  /** Its last microsecond. */
  close_us: number;
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string;
  quote_volume: string;
  trade_count: number;
  taker_buy_volume: string;
  taker_buy_quote_volume: string;
  first_trade_id: number | null;
  last_trade_id: number | null;
  /** Nothing was traded: flat at the price before. */
  is_filled: boolean;
  /** All its trades were there, by their ids. */
  is_complete: boolean;
  revision: number;
}

/** Lengths of live bars: those of the lake, and seconds. */
export type StreamInterval = '1s' | Interval;

/** The twelve indicators of the newest closed bar; null until their window is full. */
export interface IndicatorsRecord {
  source: string;
  symbol: string;
  interval: Interval;
  open_us: number;
  close: number;
  sma_20: number | null;
  sma_50: number | null;
  sma_200: number | null;
  bb_upper: number | null;
  bb_lower: number | null;
  bb_percent_b: number | null;
  macd: number | null;
  macd_signal: number | null;
  macd_histogram: number | null;
  volatility_20: number | null;
  rsi_14: number | null;
  below_all_smas: boolean | null;
  is_filled: boolean;
  revision: number;
}

/** What a strategy said at the close of a bar. Delivered at least once: drop those whose `signal_id` is known. */
export interface SignalRecord {
  signal_id: string;
  strategy: string;
  version: string;
  source: string;
  symbol: string;
  interval: Interval;
  open_us: number;
  signal: 'BUY' | 'SELL';
  /** The bar's close. */
  price: string;
  reason: string;
  sma_50: number;
  sma_200: number;
  created_us: number;
}
