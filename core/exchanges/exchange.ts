import type { Kline } from '#core/market/kline.ts';
import type { Trade } from '#core/market/trade.ts';

/**
 * A venue's public market data. Every adapter passes the same contract suite (`tests/core/exchanges`).
 * Prices and quantities are decimal text; times are microseconds since 1970 UTC.
 */
export interface Exchange {
  /** The venue as it stands in the lake: `binance`, `simulator:42`. */
  readonly source: string;
  /** Markets of the venue, with their rules. */
  symbols(signal?: AbortSignal): Promise<ExchangeSymbol[]>;
  /** Rolling 24-hour statistics of all markets. */
  tickers(signal?: AbortSignal): Promise<Ticker[]>;
  /** Bars by open time, `fromUs` and `toUs` inclusive, oldest first, at most `limit` (≤ 1,000). */
  klines(request: KlineRequest, signal?: AbortSignal): Promise<ExchangeKline[]>;
  /** The oldest bar the venue has of a market: the hint of its listing. A reused name may give the earlier coin's. */
  firstKline(symbol: string, interval: string, signal?: AbortSignal): Promise<ExchangeKline | undefined>;
  /** Trades from `fromId` on, ids ascending, at most `limit` (≤ 1,000); fewer when the tape ends. */
  tradesFrom(symbol: string, fromId: number, limit: number, signal?: AbortSignal): Promise<Trade[]>;
  /** Aggregated trades from a time on, oldest first; `firstTradeId` and `lastTradeId` tell what each one covers. */
  aggTrades(request: AggTradeRequest, signal?: AbortSignal): Promise<AggTrade[]>;
  /** Order book snapshot, best levels first. */
  depth(symbol: string, limit: number, signal?: AbortSignal): Promise<OrderBook>;
  /** The venue's clock. */
  timeUs(signal?: AbortSignal): Promise<number>;
  /** Live events; see {@link StreamRequest}. Runs, reconnecting by itself, until `close`. */
  stream(request: StreamRequest): ExchangeStream;
  close(): Promise<void>;
}

export interface ExchangeSymbol {
  symbol: string;
  base: string;
  quote: string;
  /** `TRADING`, `HALT`, `BREAK`, …: the venue's word. Who is delisted may stay listed as `BREAK`, or be gone. */
  status: string;
  /** What may be done in the market, once each, sorted: `SPOT`, `MARGIN`, `LEVERAGED`, …; the venue's words. */
  permissions: string[];
  /** Smallest step of price, smallest step and minimum of quantity, minimum price × quantity; decimal text. */
  tickSize: string;
  stepSize: string;
  minQuantity: string;
  minNotional: string;
}

export interface Ticker {
  symbol: string;
  lastPrice: string;
  openPrice: string;
  highPrice: string;
  lowPrice: string;
  volume: string;
  quoteVolume: string;
  openTimeUs: number;
  closeTimeUs: number;
  /** -1 where the window holds no trade. */
  firstTradeId: number;
  lastTradeId: number;
  tradeCount: number;
}

export interface KlineRequest {
  symbol: string;
  interval: string;
  fromUs?: number;
  toUs?: number;
  limit?: number;
}

export interface ExchangeKline extends Kline {
  /** By the stream: whether the venue has closed the bar. REST does not say, and false stands for that. */
  isClosed: boolean;
}

export interface AggTradeRequest {
  symbol: string;
  fromId?: number;
  fromUs?: number;
  toUs?: number;
  limit?: number;
}

export interface AggTrade {
  symbol: string;
  aggregateId: number;
  price: string;
  volume: string;
  firstTradeId: number;
  lastTradeId: number;
  side: 'buy' | 'sell';
  timestampUs: number;
}

/** [price, quantity], decimal text. */
export type Level = [price: string, quantity: string];

export interface OrderBook {
  symbol: string;
  lastUpdateId: number;
  bids: Level[];
  asks: Level[];
}

export interface Quote {
  symbol: string;
  updateId: number;
  bid: string;
  bidSize: string;
  ask: string;
  askSize: string;
}

export interface DepthUpdate {
  symbol: string;
  firstUpdateId: number;
  lastUpdateId: number;
  eventTimeUs: number;
  bids: Level[];
  asks: Level[];
}

export type StreamKind = 'trade' | 'kline' | 'quote' | 'depth';

export interface StreamRequest {
  symbols: readonly string[];
  /** Which events are wanted; default trades only. */
  kinds?: readonly StreamKind[];
  /** Kline interval, needed with kind `kline`. */
  interval?: string;
  onEvent: (event: StreamEvent) => void;
}

/** One thing that happened on the socket. `receivedNs` is our clock at receipt, decimal text of nanoseconds. */
export type StreamEvent =
  | { kind: 'trade'; trade: Trade; receivedNs: string }
  | { kind: 'kline'; kline: ExchangeKline; receivedNs: string }
  | { kind: 'quote'; quote: Quote; receivedNs: string }
  | { kind: 'depth'; update: DepthUpdate; receivedNs: string }
  /** A message the adapter does not understand: kept with its reason, never guessed at. */
  | { kind: 'refused'; raw: string; reason: string; receivedNs: string }
  /** Ids in [fromId, toId) did not come by the stream, though a later one did. */
  | { kind: 'hole'; symbol: string; fromId: number; toId: number }
  | { kind: 'connected' | 'disconnected'; connectionId: number; reason: string };

export interface ExchangeStream {
  /** Stops reading from the sockets (the peer feels back-pressure) until `resume`. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}
