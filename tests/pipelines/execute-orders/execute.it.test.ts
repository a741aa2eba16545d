import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decimalText, parseDecimal, zero } from '#core/market/decimal.ts';
import { tradesTopic } from '#core/market/topics.ts';
import { encodeTrade } from '#core/market/trade.ts';
import { tradeKey } from '#core/market/topics.ts';
import { paperFees } from '#core/trading/fees.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import type { Order, OrderRequest } from '#core/trading/order.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import { openTradingWriter, type TradingWriter } from '#core/trading/writer.ts';
import { lag } from '#core/streams/offsets.ts';
import { traderGroup } from '#pipelines/execute-orders/execute.ts';
import { startTrader, type Trader } from '#pipelines/execute-orders/role.ts';
import { noteVenueTime, registerSymbols } from '#pipelines/ingest-trades/symbols.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

const source = 'venue';
const startUs = Date.UTC(2024, 2, 5) * 1_000;
const untilMs = 30_000;

let lake: TestLake;
let writer: TradingWriter;
let nextId = 0;

beforeAll(async () => {
  lake = await openTestLake();
  await registerSymbols(lake.database, source, [
    {
      ...{ symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT', status: 'TRADING' },
      ...{ tickSize: '0.01', stepSize: '0.001', minNotional: '5' },
    },
  ]);
  await noteVenueTime(lake.database, source, startUs);
  const surroundings = {
    market: () => ({
      rules: {
        ...{ source, symbol: 'BTCUSDT', base: 'BTC', quote: 'USDT', isTrading: true },
        ...{
          tickSize: parseDecimal('0.01'),
          stepSize: parseDecimal('0.001'),
          minNotional: parseDecimal('5'),
        },
      },
      last: { price: parseDecimal('100'), tradeId: nextId, timeUs: startUs },
      timeUs: startUs,
    }),
    fees: paperFees,
  };
  writer = openTradingWriter({ database: lake.database, surroundings, metrics: lake.metrics });
});
afterAll(async () => {
  await writer.close();
  await lake.close();
});

async function portfolio(): Promise<string> {
  const portfolioId = randomUUID();
  const at = { portfolioId, atUs: Date.now() * 1_000 };
  await writer.submit({
    ...at,
    kind: 'open_portfolio',
    userId: randomUUID(),
    name: 'Test',
    limits: defaultLimits,
  });
  await writer.submit({
    ...at,
    kind: 'deposit',
    id: randomUUID(),
    asset: 'USDT',
    amount: parseDecimal('1000'),
  });
  return portfolioId;
}

async function place(portfolioId: string, request: Partial<OrderRequest>): Promise<string> {
  const orderId = randomUUID();
  const { events } = await writer.submit({
    ...{ portfolioId, atUs: Date.now() * 1_000, kind: 'place_order', orderId },
    request: {
      ...{ source, symbol: 'BTCUSDT', side: 'buy', type: 'limit', quantity: parseDecimal('1') },
      ...{ timeInForce: 'GTC', postOnly: false },
      ...request,
    },
  });
  expect(events.map(({ type }) => type)).toEqual(['order_accepted']);
  return orderId;
}

async function trade(price: string, volume: string, side: 'buy' | 'sell' = 'sell'): Promise<void> {
  nextId += 1;
  const of = { source, symbol: 'BTCUSDT', tradeId: nextId, timestampUs: startUs + nextId * 1_000 };
  await lake.log.append(tradesTopic, [
    { key: tradeKey(source, 'BTCUSDT'), value: encodeTrade({ ...of, price, volume, side }, 'stream', '0') },
  ]);
}

interface OrderState {
  status: Order['status'];
  filled: string;
  quote: string;
  active: number;
}

async function stateOf(orderId: string): Promise<OrderState> {
  const { rows } = await lake.database.query<OrderState>(
    `select status, trim_scale(filled_quantity)::text as filled, trim_scale(filled_quote)::text as quote,
            active_after_trade_id as active from trading.orders where order_id = $1`,
    [orderId],
  );
  if (rows[0] === undefined) throw new Error(`no order ${orderId}`);
  return rows[0];
}

async function untilOrder(orderId: string, isSo: (state: OrderState) => boolean): Promise<OrderState> {
  const deadlineMs = Date.now() + untilMs;
  for (;;) {
    const state = await stateOf(orderId);
    if (isSo(state)) return state;
    if (Date.now() > deadlineMs) throw new Error(`the order stays ${JSON.stringify(state)}`);
    await sleep(20);
  }
}

const untilActive = (orderId: string) => untilOrder(orderId, ({ active }) => active >= 0);

async function fillsOf(portfolioId: string): Promise<{ order: string; trade: number; quantity: string }[]> {
  const { rows } = await lake.database.query<{ body: string }>(
    `select body from trading.events where portfolio_id = $1 and type = 'order_filled' order by number`,
    [portfolioId],
  );
  return rows.map(({ body }) => {
    const { order, fill } = JSON.parse(body) as {
      order: { id: string };
      fill: { tradeId: number; quantity: string };
    };
    return { order: order.id, trade: fill.tradeId, quantity: fill.quantity };
  });
}

/** Waits until the tape was read to its end, so that its newest price is what orders meet. */
async function untilRead(): Promise<void> {
  const deadlineMs = Date.now() + untilMs;
  while ((await lag(lake.database, lake.log, traderGroup, tradesTopic)).some((of) => of.lag > 0)) {
    if (Date.now() > deadlineMs) throw new Error('the tape is not read');
    await sleep(20);
  }
}

function start(): Promise<Trader> {
  const config = { dataDir: lake.dir, logPartitions: 4, logRetentionHours: 1 };
  return startTrader({ ...lake, config });
}

async function now(portfolioId: string): Promise<Portfolio> {
  const at = { portfolioId, atUs: Date.now() * 1_000 };
  return (await writer.submit({ ...at, kind: 'cancel_all', reason: 'requested' })).portfolio;
}

test(
  'orders are filled by the tape, each trade’s volume once, also over a restart',
  { timeout: 90_000 },
  async () => {
    let trader = await start();
    try {
      const portfolioId = await portfolio();
      await trade('100', '1');
      const first = await place(portfolioId, { price: parseDecimal('99') });
      const second = await place(portfolioId, { price: parseDecimal('99'), quantity: parseDecimal('2') });
      await untilActive(first);
      await untilActive(second);
      await trade('99.5', '10');
      await trade('99', '1.5');
      expect(await untilOrder(first, ({ status }) => status === 'filled')).toMatchObject({ quote: '99' });
      expect(await untilOrder(second, ({ filled }) => filled !== '0')).toMatchObject({
        ...{ status: 'partially_filled', filled: '0.5' },
      });
      await trader.close();
      // Nobody executes: what is traded meanwhile is met by who comes next.
      await trade('98', '1');
      await trade('99', '3', 'buy');
      trader = await start();
      expect(await untilOrder(second, ({ status }) => status === 'filled')).toMatchObject({ quote: '198' });
      expect(await fillsOf(portfolioId)).toEqual([
        { order: first, trade: 2 + 1, quantity: '1' },
        { order: second, trade: 3, quantity: '0.5' },
        { order: second, trade: 4, quantity: '1' },
        { order: second, trade: 5, quantity: '0.5' },
      ]);
      const { balances } = await now(portfolioId);
      const usdt = balances.get('USDT');
      expect(decimalText(usdt?.held ?? zero)).toBe('0');
      expect(decimalText(balances.get('BTC')?.available ?? zero)).toBe('3');
    } finally {
      await trader.close();
    }
  },
);

test(
  'a market order is filled at the last price with slippage, a stop order when its price is reached',
  { timeout: 90_000 },
  async () => {
    const trader = await start();
    try {
      const portfolioId = await portfolio();
      await trade('100', '1');
      await untilRead();
      const market = await place(portfolioId, { type: 'market', timeInForce: 'IOC' });
      expect(await untilOrder(market, ({ status }) => status === 'filled')).toMatchObject({
        quote: '100.05',
      });
      const stop = await place(portfolioId, {
        side: 'sell',
        type: 'stop_loss',
        stopPrice: parseDecimal('95'),
      });
      await untilActive(stop);
      await trade('96', '1');
      await trade('94', '1');
      const sold = await untilOrder(stop, ({ status }) => status === 'filled');
      expect(sold.quote).toBe('93.95');
    } finally {
      await trader.close();
    }
  },
);

test('traders share markets, and a dead-man’s switch cancels what is open', { timeout: 90_000 }, async () => {
  const traders = [await start(), await start()];
  try {
    const portfolioId = await portfolio();
    await trade('100', '1');
    const resting = await place(portfolioId, { price: parseDecimal('90') });
    await untilActive(resting);
    const at = { portfolioId, atUs: Date.now() * 1_000 };
    await writer.submit({ ...at, kind: 'cancel_after', untilUs: Date.now() * 1_000 + 1_500_000 });
    expect(await untilOrder(resting, ({ status }) => status === 'canceled')).toMatchObject({ filled: '0' });
  } finally {
    for (const trader of traders) await trader.close();
  }
});
