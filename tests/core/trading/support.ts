import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { one, parseDecimal, zero } from '#core/market/decimal.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import type { Command, MarketView } from '#core/trading/command.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import type { Order, OrderRequest } from '#core/trading/order.ts';
import {
  openTradingWriter,
  type Submitted,
  type TradingSurroundings,
  type TradingWriter,
} from '#core/trading/writer.ts';
import { startMigratedPostgres } from '#tests/support/postgres.ts';

export const logger = pino({ level: 'silent' });

const btc: MarketView = {
  rules: {
    ...{ source: 'binance', symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT' },
    ...{ tickSize: parseDecimal('0.01'), stepSize: parseDecimal('0.00001'), minNotional: parseDecimal('5') },
    isTrading: true,
  },
  last: { price: parseDecimal('100'), tradeId: 1, timeUs: 1_000_000 },
  timeUs: 1_000_000,
};

/** One market, BTCUSDT at 100, and no fees. */
export const surroundings: TradingSurroundings = {
  market: (_source, symbol) => (symbol === 'BTCUSDT' ? btc : undefined),
  fees: { maker: zero, taker: zero },
};

export interface TestTrading {
  url: string;
  database: Database;
  /** A writer of its own connections, as another process has. */
  newWriter(options?: { waitingMax?: number }): TradingWriter;
  close(): Promise<void>;
}

export async function openTestTrading(): Promise<TestTrading> {
  const postgres = await startMigratedPostgres();
  const metrics = new Metrics();
  const database = openDatabase({ url: postgres.url, applicationName: 'test', logger, metrics });
  const writers: TradingWriter[] = [];
  return {
    url: postgres.url,
    database,
    newWriter(options = {}) {
      const writer = openTradingWriter({ database, surroundings, metrics, ...options });
      writers.push(writer);
      return writer;
    },
    async close() {
      for (const writer of writers) await writer.close();
      await database.close();
      await postgres.close();
    },
  };
}

/** An open portfolio with money; answers its id. */
export async function openPortfolio(
  writer: TradingWriter,
  amounts: Record<string, string> = { USDT: '1000' },
): Promise<string> {
  const portfolioId = randomUUID();
  const at = { portfolioId, atUs: nowUs() };
  const opening: Command = {
    ...at,
    ...{ kind: 'open_portfolio', userId: randomUUID(), name: 'Test', limits: defaultLimits },
  };
  await writer.submit(opening);
  for (const [asset, amount] of Object.entries(amounts))
    await writer.submit({ ...at, kind: 'deposit', id: randomUUID(), asset, amount: parseDecimal(amount) });
  return portfolioId;
}

/** A limit order for one BTC at 100, with what is given in its place. */
export function placement(
  portfolioId: string,
  request: Partial<OrderRequest> = {},
): Extract<Command, { kind: 'place_order' }> {
  return {
    ...{ portfolioId, atUs: nowUs(), kind: 'place_order', orderId: randomUUID() },
    request: {
      ...{ source: 'binance', symbol: 'BTCUSDT', side: 'buy', type: 'limit' },
      ...{ quantity: one, price: parseDecimal('100'), timeInForce: 'GTC', postOnly: false },
      ...request,
    },
  };
}

/** An order meets the market before a trade, which fills some of it at 100. */
export function fill(portfolioId: string, orderId: string, tradeId: number, quantity = one): Command {
  return {
    ...{ portfolioId, atUs: nowUs(), kind: 'execute' },
    steps: [
      { kind: 'activate_order', orderId, activeAfterTradeId: tradeId - 1, queueAhead: zero },
      {
        ...{ kind: 'fill_order', orderId, tradeId, quantity, price: parseDecimal('100') },
        ...{ liquidity: 'maker', queueAhead: zero, marketTimeUs: 1_000_000 },
      },
    ],
  };
}

export function nowUs(): number {
  return Date.now() * 1_000;
}

/** The order that a placement made. */
export function placed({ events }: Submitted): Order {
  for (const event of events) if (event.type === 'order_accepted') return event.order;
  throw new Error('the order was not accepted');
}

/** The code of the error that a promise ends with; undefined where it succeeds. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return await work.then(
    () => undefined,
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
  );
}
