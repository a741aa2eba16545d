import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Problem } from '#api/schemas/common.ts';
import type { Market } from '#api/schemas/markets.ts';
import type { Order } from '#api/schemas/orders.ts';
import type { Portfolio } from '#api/schemas/portfolios.ts';
import type { Proposal } from '#api/schemas/proposals.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { encodeTrade } from '#core/market/trade.ts';
import { allocate } from '#core/trading/analytics/allocate.ts';
import { putBars } from '#tests/support/bars.ts';
import { source } from './service.ts';
import { openTradingGround, type TradingGround } from './trading-ground.ts';

const dayUs = 86_400_000_000;
const today = Math.floor((Date.now() * 1_000) / dayUs) * dayUs;
const days = 120;

let trading: TradingGround;
let token: string;
let portfolioId: string;

/** Close of a day; two markets that share some of their ups and downs. */
function priceOf(symbol: string, day: number): number {
  const shared = 8 * Math.sin(day * 1.7) + 5 * Math.cos(day * 0.9);
  const own = symbol === 'BTCUSDT' ? 6 * Math.sin(day * 2.3) + day / 10 : 14 * Math.cos(day * 3.1) + day / 8;
  return Math.round((200 + shared + own) * 100) / 100;
}

const closesOf = (symbol: string): number[] => Array.from({ length: days }, (_, day) => priceOf(symbol, day));
const returns = Array.from({ length: days - 1 }, (_, day) =>
  ['BTCUSDT', 'ETHUSDT'].map((symbol) => priceOf(symbol, day + 1) / priceOf(symbol, day) - 1),
);

beforeAll(async () => {
  trading = await openTradingGround();
  for (const symbol of ['BTCUSDT', 'ETHUSDT']) {
    await putBars(trading.ground, {
      ...{ source, listing: `${symbol}#1`, interval: '1d' as const },
      bars: closesOf(symbol).map((close, day) => ({
        openUs: today - (days - day) * dayUs,
        ...{ open: '1', high: '1', low: '1', close: String(close), volume: '1', quoteVolume: '1', trades: 1 },
      })),
    });
  }
  token = await trading.signUp('anna@example.com');
  portfolioId = await trading.openPortfolio(token);
  const value = encodeTrade(
    {
      ...{ source, symbol: 'ETHUSDT', tradeId: 1, price: '2000.00', volume: '1.00000000', side: 'buy' },
      timestampUs: Date.now() * 1_000,
    },
    'stream',
    String(Date.now() * 1_000_000),
  );
  await trading.ground.log.append(tradesTopic, [{ key: tradeKey(source, 'ETHUSDT'), value }]);
  await vi.waitFor(
    async () => {
      const { items } = await trading.ask<{ items: Market[] }>('GET', '/v1/markets');
      expect(items.map(({ symbol }) => symbol)).toContain('ETHUSDT');
    },
    { timeout: 20_000, interval: 50 },
  );
}, 90_000);

afterAll(async () => {
  await trading.close();
});

async function propose(body: object, of = token): Promise<Proposal> {
  return await trading.ask<Proposal>('POST', `/v1/portfolios/${portfolioId}/proposals`, {
    token: of,
    body: { assets: ['BTC', 'ETH'], periods: days - 1, ...body },
  });
}

async function problem(body: object, status: number, of = token): Promise<Problem> {
  return await trading.ask<Problem>('POST', `/v1/portfolios/${portfolioId}/proposals`, {
    token: of,
    body: { method: 'risk_parity', assets: ['BTC', 'ETH'], periods: days - 1, ...body },
    status,
  });
}

const portfolio = async (): Promise<Portfolio> =>
  await trading.ask<Portfolio>('GET', `/v1/portfolios/${portfolioId}`, { token });

describe('a proposal', () => {
  it.each(['minimum_variance', 'risk_parity', 'maximum_sharpe'] as const)(
    'of %s has the weights that the returns in the lake give',
    async (method) => {
      const wanted = allocate({ method, returns, cap: 0.8, riskless: 0.02 / 365 });
      const proposal = await propose({ method, maxWeight: 0.8, riskFreeRate: 0.02 });
      expect(wanted?.weights).toHaveLength(2);
      expect(proposal.weights.map(({ weight }) => weight)).toEqual(
        wanted?.weights.map((weight) => expect.closeTo(weight, 9) as number),
      );
      expect(proposal).toMatchObject({ method, observations: days - 1, interval: '1d', leftOut: [] });
      expect(proposal.volatility).toBeCloseTo((wanted?.deviation ?? 0) * Math.sqrt(365), 9);
      expect(proposal.expectedReturn).toBeCloseTo((wanted?.expectedReturn ?? 0) * 365, 9);
      expect(proposal.sharpeRatio).toBeCloseTo((proposal.expectedReturn - 0.02) / proposal.volatility, 9);
      expect(proposal.to).toBe(new Date(today / 1_000).toISOString().replace('Z', '000Z'));
    },
  );

  it('does nothing until its orders are placed, which then fit the money', async () => {
    const before = await portfolio();
    const { orders, weights } = await propose({ method: 'risk_parity', cash: 0.1 });
    expect(await portfolio()).toEqual(before);
    expect(orders.map(({ symbol, side, type }) => [symbol, side, type])).toEqual([
      ['BTCUSDT', 'buy', 'limit'],
      ['ETHUSDT', 'buy', 'limit'],
    ]);
    for (const [i, { quantity, price = '0' }] of orders.entries()) {
      const target = Number(weights[i]?.target);
      expect(Number(quantity) * Number(price)).toBeLessThanOrEqual(target);
      expect(Number(quantity) * Number(price)).toBeGreaterThan(target - 2 * Number(price) * 0.00001);
    }
    expect(weights.reduce((sum, { target }) => sum + Number(target), 0)).toBeCloseTo(9_000, 6);
    for (const body of orders)
      expect(await trading.ask<Order>('POST', '/v1/orders', { token, body, status: 201 })).toMatchObject({
        ...{ status: 'open', rejectCode: null },
      });
    await trading.ask('DELETE', `/v1/orders?portfolioId=${portfolioId}`, { token });
  });

  it('spends no more than there is with fees, where all is to be spread', async () => {
    const { orders } = await propose({ method: 'minimum_variance' });
    expect(orders.length).toBeGreaterThan(0);
    for (const body of orders)
      expect(await trading.ask<Order>('POST', '/v1/orders', { token, body, status: 201 })).toMatchObject({
        status: 'open',
      });
    await trading.ask('DELETE', `/v1/orders?portfolioId=${portfolioId}`, { token });
  });

  it('sells what there is too much of, before it buys', async () => {
    const money = { asset: 'ETH', amount: '50' };
    const url = `/v1/portfolios/${portfolioId}/deposits`;
    await trading.ask('POST', url, { token, body: money, status: 201 });
    const { orders, weights } = await propose({ method: 'risk_parity', maxWeight: 0.5 });
    expect(weights[1]?.currentWeight).toBeCloseTo(100 / 110, 9);
    expect(orders.map(({ symbol, side }) => `${side} ${symbol}`)).toEqual(['sell ETHUSDT', 'buy BTCUSDT']);
    // 110,000 in all: half of it stays in ETH at 2000.
    expect(orders[0]?.quantity).toBe('22.5');
  });

  it('leaves out what cannot be looked at, and says why', async () => {
    const { leftOut, weights } = await propose({ method: 'risk_parity', assets: ['BTC', 'ETH', 'XYZ'] });
    expect(leftOut).toEqual([{ asset: 'XYZ', reason: 'there is no market of it in USDT with a price' }]);
    expect(weights.map(({ asset }) => asset)).toEqual(['BTC', 'ETH']);
  });

  it('is refused with a reason where none can be made', async () => {
    expect((await problem({ interval: '1h' }, 409)).detail).toMatch(/too few returns of 1h/);
    expect((await problem({ periods: 1_000 }, 409)).detail).toMatch(/119 of 1000 periods/);
    expect((await problem({ maxWeight: 0.4 }, 400)).detail).toMatch(/do not make 1/);
    expect((await problem({ method: 'maximum_sharpe', riskFreeRate: 9 }, 409)).detail).toMatch(/no asset/);
    expect((await problem({ assets: [] }, 400)).remedy).toBeTruthy();
    const stranger = await trading.signUp('bert@example.com');
    expect((await problem({}, 404, stranger)).detail).toMatch(/there is no portfolio/);
  });
});
