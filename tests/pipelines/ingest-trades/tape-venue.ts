import { createBinanceExchange } from '#core/exchanges/binance/exchange.ts';
import type { Exchange } from '#core/exchanges/exchange.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { startVenue, type Answer } from '#tests/core/exchanges/binance/venue.ts';
import { tradeOf } from '#tests/support/lake.ts';

export interface TapeVenue {
  exchange: Exchange;
  /** What was asked for of a market, in order: the first id and how many. */
  asked(symbol: string): { fromId: number; limit: number }[];
  close(): Promise<void>;
}

/**
 * A venue whose REST serves the trades with the ids that `tape` gives for a market at that moment, or the answer that
 * it gives instead. Requests that fail are not sent again by the adapter.
 */
export async function startTapeVenue(
  source: string,
  tape: (symbol: string) => readonly number[] | Answer | 'never',
): Promise<TapeVenue> {
  const asked: { symbol: string; fromId: number; limit: number }[] = [];
  const server = await startVenue({
    answers({ url }) {
      const symbol = url.searchParams.get('symbol') ?? '';
      const fromId = Number(url.searchParams.get('fromId'));
      const limit = Number(url.searchParams.get('limit'));
      asked.push({ symbol, fromId, limit });
      const ids = tape(symbol);
      if (ids === 'never' || 'status' in ids) return ids;
      const rows = (ids as readonly number[]).filter((id) => id >= fromId).slice(0, limit);
      return { body: rows.map((id) => rowOf(source, symbol, id)) };
    },
  });
  const exchange = createBinanceExchange({
    ...{ source, restUrl: server.url, wsUrl: server.wsUrl, weightLimit: 1_000_000 },
    ...{ logger: createLogger({ level: 'silent', name: 'test' }), metrics: new Metrics() },
    http: { maxRetries: 0, breakerOpenMs: 1 },
  });
  return {
    exchange,
    asked: (symbol) =>
      asked.filter((one) => one.symbol === symbol).map(({ fromId, limit }) => ({ fromId, limit })),
    async close() {
      await exchange.close();
      await server.close();
    },
  };
}

function rowOf(source: string, symbol: string, id: number) {
  const { price, volume, side, timestampUs } = tradeOf(source, symbol, id);
  return { id, price, qty: volume, time: timestampUs, isBuyerMaker: side === 'sell' };
}
