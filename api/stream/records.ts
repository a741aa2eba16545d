import { timeFromUs } from '../format.ts';
import type { StreamTrade } from '../schemas/stream.ts';
import type { WindowEntry } from './window.ts';

/** A trade read off the log. */
export interface LogTrade extends WindowEntry {
  source: string;
  symbol: string;
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

const decimal = /^\d+(\.\d+)?$/;

/**
 * The trades among a batch's lines. What is no canonical trade is left out: it is the lake's consumer that says why
 * a record was refused.
 */
export function* tradesOf(lines: Buffer, baseOffset: number): Generator<LogTrade> {
  let offset = baseOffset;
  for (const line of lines.toString().split('\n')) {
    if (line === '') continue;
    const record = parseTrade(line);
    if (record !== undefined) {
      const trade: StreamTrade = {
        sequence: record.trade_id,
        price: record.price,
        volume: record.volume,
        side: record.side,
        timestamp: timeFromUs(record.timestamp_us),
      };
      const { source, symbol } = record;
      const { sequence, price, timestamp } = trade;
      yield { offset, source, symbol, sequence, price, timestamp, json: JSON.stringify(trade) };
    }
    offset += 1;
  }
}

function parseTrade(line: string): CanonicalTrade | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isTrade(value) ? value : undefined;
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
