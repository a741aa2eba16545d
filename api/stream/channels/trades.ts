import { tradesTopic } from '#core/market/topics.ts';
import { timeFromUs } from '../../format.ts';
import type { StreamTrade } from '../../schemas/stream.ts';
import { entriesOf, marketText, type Channel } from '../channel.ts';
import { seriesKey, type Entry } from '../window.ts';

/** A trade read off the log; its position is its id. */
export interface TradeEntry extends Entry {
  price: string;
  timestamp: string;
}

interface CanonicalTrade {
  source: string;
  symbol: string;
  trade_id: number;
  price: string;
  volume: string;
  side: 'buy' | 'sell';
  timestamp_us: number;
}

/** Live trades; a series is a market. */
export const tradesChannel: Channel<TradeEntry> = {
  name: 'trades',
  topic: tradesTopic,
  decode: (lines, baseOffset) => entriesOf(lines, baseOffset, entryOf),
  groupText: (key, trades) => marketText(key, 'trades', trades),
  seriesMax: 1_000,
  heldMax: 500,
  rememberedMax: 4_000,
  snapshotOfSeries: 100,
  snapshotMax: Infinity,
};

const decimal = /^\d+(\.\d+)?$/;

function entryOf(record: unknown, offset: number): TradeEntry | undefined {
  if (!isTrade(record)) return undefined;
  const { source, symbol, trade_id: position, price } = record;
  const timestamp = timeFromUs(record.timestamp_us);
  const trade: StreamTrade = {
    sequence: position,
    price,
    volume: record.volume,
    side: record.side,
    timestamp,
  };
  const key = seriesKey(source, symbol);
  return { offset, key, position, revision: 1, price, timestamp, json: JSON.stringify(trade) };
}

function isTrade(value: unknown): value is CanonicalTrade {
  if (typeof value !== 'object' || value === null) return false;
  const record: Partial<Record<keyof CanonicalTrade, unknown>> = value;
  return (
    typeof record.source === 'string' &&
    typeof record.symbol === 'string' &&
    Number.isSafeInteger(record.trade_id) &&
    typeof record.price === 'string' &&
    decimal.test(record.price) &&
    typeof record.volume === 'string' &&
    decimal.test(record.volume) &&
    (record.side === 'buy' || record.side === 'sell') &&
    typeof record.timestamp_us === 'number' &&
    Number.isSafeInteger(record.timestamp_us) &&
    Math.abs(record.timestamp_us) < 8.64e15 * 1000
  );
}
