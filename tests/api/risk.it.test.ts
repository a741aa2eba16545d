import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '#api/schemas/common.ts';
import type { User } from '#api/schemas/identity.ts';
import type { Order } from '#api/schemas/orders.ts';
import type { Portfolio, PortfolioRisk, Reconciliation } from '#api/schemas/portfolios.ts';
import { giveRole } from '#core/identity/users.ts';
import type { Ask } from './asking.ts';
import { openTradingGround, type TradingGround } from './trading-ground.ts';

let trading: TradingGround;
let ask: Ask;
let token: string;
let operator: string;

beforeAll(async () => {
  trading = await openTradingGround();
  ask = trading.ask;
  token = await trading.signUp('ann@example.com');
  operator = await trading.signUp('operator@example.com');
  const { id } = await ask<User>('GET', '/v1/users/me', { token: operator });
  await giveRole(trading.ground.database, id, 'operator');
  trading.service.identity.sessions.forget(id);
});

afterAll(async () => {
  await trading.close();
});

async function place(portfolioId: string, more: object = {}): Promise<Order> {
  const order = { symbol: 'BTCUSDT', side: 'buy', type: 'limit', quantity: '0.001', price: '59000' };
  const body = { portfolioId, ...order, ...more };
  return await ask<Order>('POST', '/v1/orders', { token, body, status: 201 });
}

describe('limits', () => {
  it('are changed one by one, and kept to', async () => {
    const id = await trading.openPortfolio(token);
    const url = `/v1/portfolios/${id}/risk`;
    const before = await ask<PortfolioRisk>('GET', url, { token });
    expect(before).toMatchObject({ state: 'active', globalState: 'active' });
    const after = await ask<PortfolioRisk>('PUT', url, {
      token,
      body: { limits: { orderNotionalMax: '50' } },
    });
    expect(after).toEqual({ ...before, limits: { ...before.limits, orderNotionalMax: '50' } });
    expect(await place(id)).toMatchObject({ status: 'rejected', rejectCode: 'NOTIONAL_LIMIT' });
    await ask('PUT', url, { token, body: { limits: { priceCollar: '0' } }, status: 400 });
    await ask('PUT', url, { token, body: {}, status: 400 });
    await ask('PUT', url, { token, body: { limits: { leverage: '2' } }, status: 400 });
  });

  it('stand from the opening where they are named then', async () => {
    const body = { name: 'Small', limits: { openOrdersMax: 0 } };
    const { id } = await ask<{ id: string }>('POST', '/v1/portfolios', { token, body, status: 201 });
    expect(await place(id)).toMatchObject({ rejectCode: 'OPEN_ORDERS_LIMIT' });
  });
});

describe('risk states', () => {
  it('are made stricter by the owner, and loosened by an operator alone', async () => {
    const id = await trading.openPortfolio(token);
    const url = `/v1/portfolios/${id}/risk`;
    const halted = { state: 'halted', reason: 'a program ran away' };
    expect(await ask<PortfolioRisk>('PUT', url, { token, body: halted })).toMatchObject({ state: 'halted' });
    expect(await place(id)).toMatchObject({ status: 'rejected', rejectCode: 'HALTED' });
    const body = { state: 'active' };
    expect(await ask<Problem>('PUT', url, { token, body, status: 403 })).toMatchObject({ code: 'FORBIDDEN' });
    expect(await place(id)).toMatchObject({ rejectCode: 'HALTED' });
    await ask('PUT', url, { token: operator, body });
    expect(await place(id)).toMatchObject({ status: 'open' });
  });

  it('of all portfolios are switched at once, and orders cancelled if asked', async () => {
    const [one, other] = [await trading.openPortfolio(token), await trading.openPortfolio(token)];
    await place(one);
    await place(other);
    const url = '/v1/risk/state';
    const body = { state: 'halted', reason: 'the feed is wrong', cancelOrders: true };
    const switched = await ask<{ canceledOrders: number }>('PUT', url, { token: operator, body });
    expect(switched).toMatchObject({ state: 'halted', portfolioId: null });
    expect(switched.canceledOrders).toBeGreaterThanOrEqual(2);
    for (const id of [one, other]) {
      expect(await place(id)).toMatchObject({ rejectCode: 'HALTED' });
      const shown = await ask<Portfolio>('GET', `/v1/portfolios/${id}`, { token });
      expect(shown).toMatchObject({ openOrders: 0, riskState: 'active' });
      expect(shown.balances[0]).toMatchObject({ available: '10000', held: '0' });
    }
    await ask('PUT', url, { token: operator, body: { state: 'reducing', reason: 'calmer' } });
    expect(await place(one)).toMatchObject({ rejectCode: 'ONLY_REDUCING' });
    await ask('PUT', url, { token: operator, body: { state: 'active', reason: 'over' } });
    expect(await place(one)).toMatchObject({ status: 'open' });
  });

  it('of one portfolio are switched by an operator, too', async () => {
    const [one, other] = [await trading.openPortfolio(token), await trading.openPortfolio(token)];
    const body = { state: 'halted', reason: 'a question', portfolioId: one };
    await ask('PUT', '/v1/risk/state', { token: operator, body });
    expect(await place(one)).toMatchObject({ rejectCode: 'HALTED' });
    expect(await place(other)).toMatchObject({ status: 'open' });
  });
});

describe('the books', () => {
  it('are right, and an edited row is found', async () => {
    const id = await trading.openPortfolio(token);
    await place(id);
    const url = `/v1/reconciliation?portfolioId=${id}`;
    const right = await ask<Reconciliation>('GET', url, { token });
    expect(right).toMatchObject({ eventNumber: 3, isRight: true, differences: [], chain: { fault: null } });
    await trading.ground.database.query(
      `update trading.balances set available = available + 1 where portfolio_id = $1`,
      [id],
    );
    const wrong = await ask<Reconciliation>('GET', url, { token });
    expect(wrong.isRight).toBe(false);
    expect(wrong.differences.map(({ against, figure }) => [against, figure])).toEqual([
      ['ledger', 'balances.USDT.available'],
      ['events', 'balances.USDT.available'],
    ]);
  });

  it('are shown as they were after any event, and at any time', async () => {
    const id = await trading.openPortfolio(token);
    await place(id);
    const url = `/v1/portfolios/${id}`;
    const now = await ask<Portfolio>('GET', url, { token });
    const shown = await ask<Portfolio>('GET', `${url}?asOf=2`, { token });
    expect(shown).toMatchObject({ eventNumber: 2, openOrders: 0 });
    expect(shown.balances).toEqual([{ asset: 'USDT', total: '10000', available: '10000', held: '0' }]);
    expect(await ask<Portfolio>('GET', `${url}?asOf=3`, { token })).toEqual(now);
    expect(await ask<Portfolio>('GET', `${url}?asOf=2100-01-01T00:00:00Z`, { token })).toEqual(now);
    await ask('GET', `${url}?asOf=4`, { token, status: 404 });
    await ask('GET', `${url}?asOf=2000-01-01T00:00:00Z`, { token, status: 404 });
  });
});
