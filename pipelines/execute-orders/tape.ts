import { parseDecimal } from '#core/market/decimal.ts';
import type { LastTrades } from '#core/trading/markets.ts';
import type { TapeTrade } from '#core/trading/paper.ts';
import type { LogBatch } from '#core/streams/event-log.ts';

/** A trade of one market, and which of its batch's records it is. */
export interface MarketTrade extends TapeTrade {
  source: string;
  symbol: string;
  index: number;
}

/** A batch's trades, in the order of the log. What is none is left out: ingest says why. */
export function tapeOf({ lines }: LogBatch): MarketTrade[] {
  return lines
    .toString()
    .split('\n')
    .flatMap((line, index) => tradeOf(line, index) ?? []);
}

function tradeOf(line: string, index: number): MarketTrade | undefined {
  if (line === '') return undefined;
  try {
    const record = JSON.parse(line) as Record<string, unknown>;
    const { source, symbol, side, trade_id: tradeId, timestamp_us: timeUs } = record;
    if (typeof source !== 'string' || typeof symbol !== 'string') return undefined;
    if (typeof tradeId !== 'number' || !Number.isSafeInteger(tradeId) || tradeId < 0) return undefined;
    if (typeof timeUs !== 'number' || !Number.isSafeInteger(timeUs)) return undefined;
    if (side !== 'buy' && side !== 'sell') return undefined;
    const [price, quantity] = [parseDecimal(String(record['price'])), parseDecimal(String(record['volume']))];
    if (price <= 0n || quantity <= 0n) return undefined;
    return { source, symbol, index, tradeId, price, quantity, side, timeUs };
  } catch {
    return undefined;
  }
}

/** The newest trade of each market that was read. */
export class NewestTrades implements LastTrades {
  readonly #trades = new Map<string, Map<string, TapeTrade>>();

  last(source: string, symbol: string): TapeTrade | undefined {
    return this.#trades.get(source)?.get(symbol);
  }

  symbols(source: string): readonly string[] {
    return [...(this.#trades.get(source)?.keys() ?? [])];
  }

  /** Whether it is newer than what was known; an older one has come late, and moves nothing. */
  note(trade: MarketTrade): boolean {
    const { source, symbol, tradeId } = trade;
    const ofSource = this.#trades.get(source) ?? new Map<string, TapeTrade>();
    this.#trades.set(source, ofSource);
    if (tradeId <= (ofSource.get(symbol)?.tradeId ?? -1)) return false;
    ofSource.set(symbol, trade);
    return true;
  }
}
