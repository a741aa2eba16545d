/**
 * A trade as it travels from an exchange to the lake. On the log it is one line of JSON in exactly these keys
 * (the canonical record), so that a consumer reads a batch as SQL and makes no object per trade.
 */
export interface Trade {
  /** The venue: `binance`, `simulator:42`, `ccxt:kraken`. */
  source: string;
  /** The venue's own name of the market, upper case: `BTCUSDT`. */
  symbol: string;
  /** The venue's id, contiguous per symbol where the venue has such ids. */
  tradeId: number;
  /** Quote asset per base asset, decimal text as the venue sent it. */
  price: string;
  /** Quantity in base asset, decimal text as the venue sent it. */
  volume: string;
  /** The taker's side. */
  side: 'buy' | 'sell';
  /** Event time at the venue, microseconds since 1970 UTC. */
  timestampUs: number;
}

/** The way a record came in: live by `stream`, fetched by `rest` to repair a hole, or from the bulk `archive`. */
export type Channel = 'stream' | 'rest' | 'archive';

/** The canonical record of a trade; `receivedNs` is our clock at receipt, decimal text of nanoseconds. */
export function encodeTrade(trade: Trade, channel: Channel, receivedNs: string): string {
  return (
    `{"source":${JSON.stringify(trade.source)},"symbol":${JSON.stringify(trade.symbol)},"trade_id":${trade.tradeId},` +
    `"price":${JSON.stringify(trade.price)},"volume":${JSON.stringify(trade.volume)},"side":"${trade.side}",` +
    `"timestamp_us":${trade.timestampUs},"received_ns":"${receivedNs}","channel":"${channel}"}`
  );
}

/** What the adapter could not parse, as a log record: every refusal has an offset. `raw` is cut to 4,096 characters. */
export function encodeRefused(
  source: string,
  raw: string,
  reason: string,
  channel: Channel,
  receivedNs: string,
): string {
  return JSON.stringify({ source, raw: raw.slice(0, 4096), reason, received_ns: receivedNs, channel });
}
