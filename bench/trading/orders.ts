import { randomUUID } from 'node:crypto';
import { parseDecimal, zero } from '#core/market/decimal.ts';
import type { Command, MarketView } from '#core/trading/command.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import type { TradingSurroundings, TradingWriter } from '#core/trading/writer.ts';

/** Small limit orders of one market, and portfolios that may place as many as they like. */
export interface MarketOrders {
  surroundings: TradingSurroundings;
  placement(portfolioId: string): Extract<Command, { kind: 'place_order' }>;
  openPortfolios(writer: TradingWriter, count: number, userId?: string): Promise<string[]>;
}

const price = parseDecimal('100');
const quantity = parseDecimal('0.01');
const limits = {
  ...defaultLimits,
  ...{ openOrdersMax: 1_000_000_000, ordersPerMinuteMax: 1_000_000_000 },
  positionNotionalMax: parseDecimal('1000000000000'),
};

export function openMarketOrders(): MarketOrders {
  const rules = {
    ...{ source: 'binance', symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT', isTrading: true },
    tickSize: quantity,
    stepSize: quantity,
    minNotional: zero,
  };
  const view: MarketView = { rules, last: { price, tradeId: 1, timeUs: 0 }, timeUs: 0 };
  const fee = parseDecimal('0.001');
  return {
    surroundings: { market: () => view, fees: { maker: fee, taker: fee } },
    placement: (portfolioId) => ({
      ...{ portfolioId, atUs: Date.now() * 1_000, kind: 'place_order', orderId: randomUUID() },
      request: {
        ...{ source: 'binance', symbol: 'BTCUSDT', side: 'buy', type: 'limit', quantity, price },
        ...{ timeInForce: 'GTC', postOnly: false },
      },
    }),
    openPortfolios: async (writer, count, userId = randomUUID()) =>
      await Promise.all(
        Array.from({ length: count }, async () => {
          const portfolioId = randomUUID();
          const at = { portfolioId, atUs: Date.now() * 1_000 };
          const name = 'Benchmark';
          await writer.submit({ ...at, kind: 'open_portfolio', userId, name, limits });
          const amount = parseDecimal('1000000000');
          await writer.submit({ ...at, kind: 'deposit', id: randomUUID(), asset: 'USDT', amount });
          return portfolioId;
        }),
      ),
  };
}
