import { randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import type { OrderVenue } from '#core/exchanges/order-venue.ts';
import { add, decimalText, parseDecimal } from '#core/market/decimal.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import type { Command } from '#core/trading/command.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import type { Order, OrderRequest } from '#core/trading/order.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import { readOrder, readOrderEvents, readPortfolio } from '#core/trading/read.ts';
import { reconcile } from '#core/trading/reconcile.ts';
import { openTradingWriter, type TradingWriter } from '#core/trading/writer.ts';
import { startLive, type Live } from '#pipelines/execute-live/role.ts';
import type { LiveTiming } from '#pipelines/execute-live/timing.ts';
import { openVenue, type OpenedVenue } from '#tests/core/exchanges/binance/orders/support.ts';
import { logger } from '#tests/core/trading/support.ts';
import { startMigratedPostgres } from '#tests/support/postgres.ts';

const untilMs = 40_000;

/** A live portfolio with all that its account at the simulator has, on a Postgres of its own. */
export interface LiveGround {
  opened: OpenedVenue;
  database: Database;
  writer: TradingWriter;
  portfolioId: string;
  metrics: Metrics;
  start(venue?: OrderVenue, timing?: Partial<LiveTiming>): Live;
  /** Writes an order, BTCUSDT for 0.002 far from the market unless it says otherwise; its id. */
  place(request?: Partial<OrderRequest>): Promise<string>;
  submit(command: Asked): Promise<readonly NumberedEvent[]>;
  portfolio(): Promise<Portfolio>;
  order(id: string): Promise<Order>;
  until(id: string, isSo: (order: Order) => boolean): Promise<Order>;
  /** Types of all that has happened to an order. */
  history(id: string): Promise<string[]>;
  events(type: NumberedEvent['type']): Promise<number>;
  /** How the books differ from what the venue holds to be true, and from their own events; nothing where they are right. */
  problems(): Promise<string[]>;
  close(): Promise<void>;
}

type Asked<C = Command> = C extends Command ? Omit<C, 'portfolioId' | 'atUs'> : never;

const quick: Partial<LiveTiming> = { leaseMs: 2_000, lookEveryMs: 100, sendWithinMs: 1_500 };

export async function openLiveGround(): Promise<LiveGround> {
  const postgres = await startMigratedPostgres();
  const opened = await openVenue(
    {
      lagMs: 100,
      timeoutMs: 2_000,
      patienceMs: 3_000,
      limits: { weightPerMinute: 60_000, maxWaitMs: 10_000 },
    },
    { weightLimitPerMinute: 60_000 },
  );
  const { source } = opened.simulator;
  const metrics = new Metrics();
  const database = openDatabase({ url: postgres.url, applicationName: 'test', logger, metrics });
  // With the rights that the trader has.
  const traders = openDatabase({
    ...{ url: postgres.url, setRole: 'ticklake_trader', applicationName: 'trader', logger, metrics },
  });
  const { ask } = await opened.best();
  const market = {
    rules: {
      ...{ source, symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT', isTrading: true },
      ...{
        tickSize: parseDecimal('0.01'),
        stepSize: parseDecimal('0.00001'),
        minNotional: parseDecimal('5'),
      },
    },
    last: { price: parseDecimal(ask.toFixed(2)), tradeId: 1, timeUs: 1_000_000 },
    timeUs: 1_000_000,
  };
  const zero = parseDecimal('0');
  const surroundings = {
    market: (_source: string, symbol: string) => (symbol === 'BTCUSDT' ? market : undefined),
    fees: { maker: zero, taker: zero },
  };
  const writer = openTradingWriter({ database, surroundings, metrics });
  const tradersWriter = openTradingWriter({ database: traders, surroundings, metrics });
  const portfolioId = randomUUID();
  const submit = async (command: Asked) => {
    const whole = { ...command, portfolioId, atUs: Date.now() * 1_000 } as Command;
    return (await writer.submit(whole)).events;
  };
  await database.query('insert into trading.live_accounts (source, portfolio_id) values ($1, $2)', [
    ...[source, portfolioId],
  ]);
  const opening = { userId: randomUUID(), name: 'Live', limits: defaultLimits, venue: source };
  await submit({ kind: 'open_portfolio', ...opening });
  for (const { asset, free } of await opened.venue.balances())
    await submit({ kind: 'deposit', id: randomUUID(), asset, amount: parseDecimal(free) });

  const portfolio = async (): Promise<Portfolio> => {
    const stored = await readPortfolio(database, portfolioId);
    if (stored === undefined) throw new Error('there is no portfolio');
    return stored.portfolio;
  };
  const order = async (id: string): Promise<Order> => {
    const stored = await readOrder(database, id);
    if (stored === undefined) throw new Error(`there is no order ${id}`);
    return stored.order;
  };
  return {
    ...{ opened, database, writer, portfolioId, metrics, submit, portfolio, order },
    start: (venue = opened.venue, timing = {}) =>
      startLive({
        ...{ database: traders, writer: tradersWriter, venue, onBooked: () => undefined, logger, metrics },
        timing: { ...quick, ...timing },
      }),
    async place(request = {}) {
      const orderId = randomUUID();
      const far = parseDecimal((ask * 0.9).toFixed(2));
      const asked: OrderRequest = {
        ...{ source, symbol: 'BTCUSDT', side: 'buy', type: 'limit', timeInForce: 'GTC', postOnly: false },
        quantity: parseDecimal('0.002'),
        ...request,
        ...((request.type ?? 'limit') === 'limit' && { price: request.price ?? far }),
      };
      const [event] = await submit({ kind: 'place_order', orderId, request: asked });
      if (event?.type !== 'order_accepted') throw new Error(`not accepted: ${JSON.stringify(event?.type)}`);
      return orderId;
    },
    async until(id, isSo) {
      return await vi.waitFor(
        async () => {
          const is = await order(id);
          if (!isSo(is)) throw new Error(`the order stays ${is.status} ${JSON.stringify(is.live)}`);
          return is;
        },
        { timeout: untilMs, interval: 50 },
      );
    },
    async history(id) {
      return (await readOrderEvents(database, portfolioId, id)).map(({ type }) => type);
    },
    async events(type) {
      const { rows } = await database.query<{ count: number }>(
        'select count(*) as count from trading.events where portfolio_id = $1 and type = $2',
        [portfolioId, type],
      );
      return Number(rows[0]?.count);
    },
    async problems() {
      const truth = await opened.truth();
      const { balances } = await portfolio();
      const ours = [...balances].map(([asset, { available, held }]) => [
        asset,
        decimalText(add(available, held)),
      ]);
      const theirs = truth.balances.map(({ asset, free, locked }) => [
        ...[asset, decimalText(add(parseDecimal(free), parseDecimal(locked)))],
      ]);
      const differing =
        JSON.stringify(ours.sort()) === JSON.stringify(theirs.sort()) ? [] : [{ ours, theirs }];
      const orders = await Promise.all(
        truth.orders.map(async ({ clientOrderId, status, executedQty }) => {
          const is = await order(clientOrderId);
          const [we, they] = [
            `${is.status} ${decimalText(is.filledQuantity)}`,
            `${status === 'NEW' ? 'open' : status.toLowerCase()} ${decimalText(parseDecimal(executedQty))}`,
          ];
          return we === they ? [] : [`${clientOrderId}: ${we} here, ${they} there`];
        }),
      );
      const { differences, chain } = await reconcile(database, portfolioId);
      return [
        ...differing,
        ...orders.flat(),
        ...differences,
        ...(chain.fault === undefined ? [] : [chain.fault]),
      ].map((problem) => JSON.stringify(problem));
    },
    async close() {
      await tradersWriter.close();
      await writer.close();
      await traders.close();
      await database.close();
      await opened.close();
      await postgres.close();
    },
  };
}
