import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Problem } from '#api/schemas/common.ts';
import type { Order, OrderEvent, Preview } from '#api/schemas/orders.ts';
import type { Portfolio, Transaction } from '#api/schemas/portfolios.ts';
import type { Page } from '#api/paging.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { asking, type Ask } from './asking.ts';
import { openService } from './service.ts';
import { openTradingGround, type TradingGround } from './trading-ground.ts';

let trading: TradingGround;
let ask: Ask;
let token: string;
let portfolioId: string;

beforeAll(async () => {
  trading = await openTradingGround();
  ask = trading.ask;
  token = await trading.signUp('ann@example.com');
  portfolioId = await trading.openPortfolio(token);
});

afterAll(async () => {
  await trading.close();
});

const limitBuy = { symbol: 'BTCUSDT', side: 'buy', type: 'limit', quantity: '0.01', price: '59000' };

async function place(order: object, headers: Record<string, string> = {}): Promise<Order> {
  const body = { portfolioId, ...limitBuy, ...order };
  return await ask<Order>('POST', '/v1/orders', { token, body, headers, status: 201 });
}

async function available(asset: string): Promise<string | undefined> {
  const { balances } = await ask<Portfolio>('GET', `/v1/portfolios/${portfolioId}`, { token });
  return balances.find((balance) => balance.asset === asset)?.available;
}

describe('placing', () => {
  it('reserves, and cancelling gives back', async () => {
    const order = await place({});
    expect(order).toMatchObject({
      ...{ portfolioId, status: 'open', quantity: '0.01', price: '59000', held: '590.59' },
      ...{ rejectCode: null, filledQuantity: '0', averagePrice: null, timeInForce: 'GTC' },
    });
    expect(await ask<Order>('GET', `/v1/orders/${order.id}`, { token })).toEqual(order);
    expect(await available('USDT')).toBe('9409.41');
    const canceled = await ask<Order>('DELETE', `/v1/orders/${order.id}`, { token });
    expect(canceled).toMatchObject({ id: order.id, status: 'canceled', held: '0' });
    expect(await available('USDT')).toBe('10000');
  });

  it('tells an order that is over from one that there is not', async () => {
    const order = await place({});
    await ask<Order>('DELETE', `/v1/orders/${order.id}`, { token });
    const rejected = await place({ quantity: '10' });
    for (const { id, status } of [{ ...order, status: 'canceled' }, rejected]) {
      const url = `/v1/orders/${id}`;
      const over = { code: 'ORDER_OVER', retryable: false, detail: `order ${id} is over: it is ${status}` };
      const body = { quantity: '0.02' };
      expect(await ask<Problem>('DELETE', url, { token, status: 409 })).toMatchObject(over);
      expect(await ask<Problem>('PATCH', url, { token, body, status: 409 })).toMatchObject(over);
    }
    const none = `/v1/orders/${randomUUID()}`;
    const unknown = await ask<Problem>('DELETE', none, { token, status: 404 });
    expect(unknown.code).toBe('NOT_FOUND');
  });

  it.each([
    [{ quantity: '10' }, 'INSUFFICIENT_BALANCE'],
    [{ price: '59000.001' }, 'PRICE_OFF_TICK'],
    [{ quantity: '0.000001' }, 'QUANTITY_OFF_STEP'],
    [{ quantity: '0.00001' }, 'NOTIONAL_TOO_SMALL'],
    [{ price: '6' }, 'PRICE_OUTSIDE_COLLAR'],
    [{ symbol: 'NOSUCH' }, 'UNKNOWN_SYMBOL'],
    [{ symbol: 'ETHUSDT' }, 'MARKET_DATA_STALE'],
    [{ type: 'stop_loss' }, 'PRICE_NOT_ALLOWED'],
  ])('answers %j with an order that is rejected: %s', async (wrong, rejectCode) => {
    const order = await place(wrong);
    expect(order).toMatchObject({ status: 'rejected', rejectCode, held: '0' });
    expect(order.rejectDetail).toMatch(/\w+/);
    expect(await ask<Order>('GET', `/v1/orders/${order.id}`, { token })).toEqual(order);
  });

  it.each([
    { quantity: '0' },
    { quantity: '-1' },
    { quantity: '1e3' },
    { quantity: 'NaN' },
    { quantity: '0.0000000000000000001' },
    { price: 'Infinity' },
    { side: 'hold' },
    { type: 'iceberg' },
    { symbol: 'btc' },
    { portfolioId: 'x' },
    { clientOrderId: 'has space' },
    { surprise: true },
  ])('refuses %j, and keeps nothing of it', async (wrong) => {
    const body = { portfolioId, ...limitBuy, ...wrong };
    const before = await ask<Portfolio>('GET', `/v1/portfolios/${portfolioId}`, { token });
    expect(await ask<Problem>('POST', '/v1/orders', { token, body, status: 400 })).toMatchObject({
      code: 'BAD_REQUEST',
    });
    expect(await ask<Portfolio>('GET', `/v1/portfolios/${portfolioId}`, { token })).toEqual(before);
  });

  it('is previewed without leaving a trace', async () => {
    const before = await ask<Portfolio>('GET', `/v1/portfolios/${portfolioId}`, { token });
    const body = { portfolioId, ...limitBuy };
    expect(await ask<Preview>('POST', '/v1/orders/preview', { token, body })).toMatchObject({
      isAcceptable: true,
      held: '590.59',
      decision: { lastPrice: '60000', globalRisk: 'active' },
    });
    const tooMuch = { ...body, quantity: '10' };
    expect(await ask<Preview>('POST', '/v1/orders/preview', { token, body: tooMuch })).toMatchObject({
      isAcceptable: false,
      rejectCode: 'INSUFFICIENT_BALANCE',
    });
    expect(await ask<Portfolio>('GET', `/v1/portfolios/${portfolioId}`, { token })).toEqual(before);
  });
});

it('keeps no answer while a service does not know the newest prices yet', async () => {
  const { log } = trading.ground;
  const away = vi
    .spyOn(log, 'describe')
    .mockRejectedValue(new TicklakeError('UNAVAILABLE', 'the log is away'));
  const service = await openService(trading.ground);
  try {
    const own = asking(service.app);
    const body = { portfolioId, ...limitBuy };
    const headers = { 'idempotency-key': randomUUID() };
    const refused = await own<Problem>('POST', '/v1/orders', { token, body, headers, status: 503 });
    expect(refused).toMatchObject({ code: 'UNAVAILABLE' });
    away.mockRestore();
    const order = await vi.waitFor(
      () => own<Order>('POST', '/v1/orders', { token, body, headers, status: 201 }),
      { timeout: 20_000, interval: 100 },
    );
    expect(order.status).toBe('open');
    await own('DELETE', `/v1/orders/${order.id}`, { token });
  } finally {
    away.mockRestore();
    await service.close();
  }
});

describe('asking again', () => {
  it('is answered alike by key and by client order id, and another body is a conflict', async () => {
    const [key, clientOrderId] = [randomUUID(), `c-${randomUUID()}`];
    const headers = { 'idempotency-key': key };
    const order = await place({ clientOrderId }, headers);
    expect(await place({ clientOrderId }, headers)).toEqual(order);
    expect(await place({ clientOrderId })).toEqual(order);
    await ask('DELETE', `/v1/orders/${order.id}`, { token });
    expect(await place({ clientOrderId }, headers)).toEqual(order);
    // Defaults that are written out are the same body.
    expect(await place({ clientOrderId, timeInForce: 'GTC', postOnly: false }, headers)).toEqual(order);
    const body = { portfolioId, ...limitBuy, clientOrderId, quantity: '0.02' };
    for (const asked of [{ headers }, {}]) {
      const refused = await ask<Problem>('POST', '/v1/orders', { token, body, ...asked, status: 409 });
      expect(refused).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT', retryable: false });
    }
  });

  it('keeps rejections as answers', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const rejected = await place({ quantity: '10' }, headers);
    expect(rejected.status).toBe('rejected');
    const money = { asset: 'USDT', amount: '1000000' };
    await ask('POST', `/v1/portfolios/${portfolioId}/deposits`, { token, body: money, status: 201 });
    expect(await place({ quantity: '10' }, headers)).toEqual(rejected);
    await ask('POST', `/v1/portfolios/${portfolioId}/withdrawals`, { token, body: money, status: 201 });
  });

  it('deposits once', async () => {
    const before = await available('EUR');
    expect(before).toBeUndefined();
    const headers = { 'idempotency-key': randomUUID() };
    const url = `/v1/portfolios/${portfolioId}/deposits`;
    const body = { asset: 'EUR', amount: '10.50' };
    const first = await ask<Transaction>('POST', url, { token, body, headers, status: 201 });
    const same = { asset: 'EUR', amount: '10.5' };
    expect(await ask<Transaction>('POST', url, { token, body: same, headers, status: 201 })).toEqual(first);
    expect(await available('EUR')).toBe('10.5');
  });

  it('races to one order, and two orders to one coin', async () => {
    const own = await trading.openPortfolio(token, '600');
    const headers = { 'idempotency-key': randomUUID() };
    const body = { ...limitBuy, portfolioId: own };
    const same = await Promise.all(
      Array.from({ length: 20 }, () =>
        ask<Order>('POST', '/v1/orders', { token, body, headers, status: 201 }),
      ),
    );
    expect(new Set(same.map(({ id }) => id)).size).toBe(1);
    const [first] = same;
    await ask('DELETE', `/v1/orders/${first?.id}`, { token });
    const racing = await Promise.all(
      Array.from({ length: 20 }, () => ask<Order>('POST', '/v1/orders', { token, body, status: 201 })),
    );
    expect(racing.filter(({ status }) => status === 'open')).toHaveLength(1);
    expect(racing.filter(({ rejectCode }) => rejectCode === 'INSUFFICIENT_BALANCE')).toHaveLength(19);
  });
});

describe('changing', () => {
  it('amends price and quantity by the checks of a placement', async () => {
    const order = await place({});
    const url = `/v1/orders/${order.id}`;
    const amended = await ask<Order>('PATCH', url, { token, body: { price: '58000', quantity: '0.02' } });
    expect(amended).toMatchObject({ id: order.id, price: '58000', quantity: '0.02', held: '1161.16' });
    expect(await ask<Problem>('PATCH', url, { token, body: { quantity: '10' }, status: 400 })).toMatchObject({
      rejectCode: 'INSUFFICIENT_BALANCE',
    });
    expect(await ask<Order>('GET', url, { token })).toEqual(amended);
    await ask('PATCH', url, { token, body: {}, status: 400 });
    await ask('DELETE', url, { token });
  });

  it('cancels all of a portfolio', async () => {
    const placed = [await place({}), await place({ price: '58000' })];
    const url = `/v1/orders?portfolioId=${portfolioId}`;
    const { items } = await ask<{ items: Order[] }>('DELETE', url, { token });
    expect(items.map(({ id }) => id)).toEqual(placed.map(({ id }) => id));
    expect(items.every(({ status }) => status === 'canceled')).toBe(true);
    expect((await ask<{ items: Order[] }>('DELETE', url, { token })).items).toEqual([]);
  });

  it('sets a time after which all are cancelled', async () => {
    const url = '/v1/orders/cancel-after';
    const set = await ask<{ cancelAfter: string }>('PUT', url, { token, body: { portfolioId, seconds: 60 } });
    const shown = await ask<Portfolio>('GET', `/v1/portfolios/${portfolioId}`, { token });
    expect(shown.cancelAfter).toBe(set.cancelAfter);
    await ask('PUT', url, { token, body: { portfolioId, seconds: null } });
    expect((await ask<Portfolio>('GET', `/v1/portfolios/${portfolioId}`, { token })).cancelAfter).toBeNull();
  });
});

describe('reading', () => {
  it('lists orders newest first, in pages, each once', async () => {
    const own = await trading.openPortfolio(token);
    const placed: string[] = [];
    for (const price of ['59000', '59001', '59002', '59003', '59004']) {
      const body = { ...limitBuy, portfolioId: own, price };
      placed.unshift((await ask<Order>('POST', '/v1/orders', { token, body, status: 201 })).id);
    }
    const url = `/v1/orders?portfolioId=${own}&limit=2`;
    const read: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Page<Order> = await ask('GET', cursor === null ? url : `${url}&cursor=${cursor}`, {
        token,
      });
      read.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(read).toEqual(placed);
    const open = await ask<Page<Order>>('GET', `${url}&status=canceled`, { token });
    expect(open.items).toEqual([]);
    await ask('GET', `${url}&cursor=bm9wZQ`, { token, status: 400 });
  });

  it('tells what has happened to an order', async () => {
    const order = await place({});
    await ask('DELETE', `/v1/orders/${order.id}`, { token });
    const { items } = await ask<Page<OrderEvent>>('GET', `/v1/orders/${order.id}/events`, { token });
    expect(items.map(({ type }) => type)).toEqual(['order_accepted', 'order_canceled']);
    expect(items[0]?.details).toMatchObject({
      order: { quantity: '0.01' },
      decision: { lastPrice: '60000', portfolioRisk: 'active' },
    });
  });

  it('lists transactions whose entries sum to zero', async () => {
    const url = `/v1/transactions?portfolioId=${portfolioId}&limit=1000`;
    const { items } = await ask<Page<Transaction>>('GET', url, { token });
    expect(items.at(-1)).toMatchObject({
      type: 'deposit',
      eventNumber: 2,
      entries: expect.arrayContaining([{ asset: 'USDT', account: 'available', amount: '10000' }]),
    });
    for (const { entries } of items) {
      expect(entries.reduce((sum, { amount }) => sum + Number(amount), 0)).toBe(0);
    }
  });

  it('values what is held at the last price', async () => {
    const own = await trading.openPortfolio(token, '100');
    const bitcoin = { asset: 'BTC', amount: '0.5' };
    await ask('POST', `/v1/portfolios/${own}/deposits`, { token, body: bitcoin, status: 201 });
    const shown = await ask<Portfolio>('GET', `/v1/portfolios/${own}`, { token });
    expect(shown.value).toMatchObject({ asset: 'USDT', total: '30100', unpriced: [] });
    expect(shown.balances).toEqual([
      { asset: 'BTC', total: '0.5', available: '0.5', held: '0' },
      { asset: 'USDT', total: '100', available: '100', held: '0' },
    ]);
    const more = { asset: 'USDT', amount: '100.01' };
    const url = `/v1/portfolios/${own}/withdrawals`;
    expect(await ask<Problem>('POST', url, { token, body: more, status: 409 })).toMatchObject({
      code: 'INSUFFICIENT_FUNDS',
    });
  });
});
