import { setTimeout as sleep } from 'node:timers/promises';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { encodeTrade } from '#core/market/trade.ts';
import type { EventLog } from '#core/streams/event-log.ts';

export const source = 'simulator:42';
export const symbols = ['BTC', 'ETH', 'BNB', 'SOL', 'XRP', 'ADA', 'DOGE', 'AVAX', 'DOT', 'LINK'].map(
  (base) => `${base}USDT`,
);

/** Trades of ten markets as a venue sends them: a few at a time, all the time. */
export interface Tape {
  /** Sends for so long; how many trades. */
  send(ms: number): Promise<number>;
}

const appendEveryMs = 20;
const tradesPerAppend = 4;

export function openTape(log: EventLog): Tape {
  let next = 0;
  return {
    async send(ms) {
      const appends = Math.ceil(ms / appendEveryMs);
      const startedMs = performance.now();
      for (let append = 1; append <= appends; append++) {
        await log.append(tradesTopic, Array.from({ length: tradesPerAppend }, record));
        await sleep(Math.max(0, startedMs + append * appendEveryMs - performance.now()));
      }
      return appends * tradesPerAppend;
    },
  };

  function record(): { key: string; value: string } {
    const symbol = symbols[next % symbols.length] ?? '';
    const tradeId = 1 + Math.floor(next / symbols.length);
    next += 1;
    const trade = { source, symbol, tradeId, price: '64213.12', volume: '0.05000000', side: 'buy' as const };
    const value = encodeTrade({ ...trade, timestampUs: Date.now() * 1_000 }, 'stream', '0');
    return { key: tradeKey(source, symbol), value };
  }
}
