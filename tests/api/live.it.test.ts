import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '#api/schemas/common.ts';
import type { Order } from '#api/schemas/orders.ts';
import type { Portfolio, PortfolioSummary, Transaction } from '#api/schemas/portfolios.ts';
import type { Page } from '#api/paging.ts';
import { giveRole } from '#core/identity/users.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { parseDecimal, zero } from '#core/market/decimal.ts';
import type { LiveStep } from '#core/trading/live.ts';
import { openTradingWriter, type TradingWriter } from '#core/trading/writer.ts';
import { asking } from './asking.ts';
import { openService, type Service } from './service.ts';
import { openTradingGround, type TradingGround } from './trading-ground.ts';

let trading: TradingGround;
/** The same service as it is where `liveTrading` is not set. */
let paperService: Service;
let writer: TradingWriter;
let operator: string;
let trader: string;

beforeAll(async () => {
  trading = await openTradingGround({ config: { liveTrading: true } });
  paperService = await openService(trading.ground);
  trader = await trading.signUp('tom@example.com');
  operator = await trading.signUp('olga@example.com');
  const me = await trading.ask<{ id: string }>('GET', '/v1/users/me', { token: operator });
  await giveRole(trading.ground.database, me.id, 'operator');
  trading.service.identity.sessions.forget(me.id);
  const surroundings = { market: () => undefined, fees: { maker: zero, taker: zero } };
  writer = openTradingWriter({ database: trading.ground.database, surroundings, metrics: new Metrics() });
}, 120_000);
afterAll(async () => {
  await writer.close();
  await paperService.close();
  await trading.close();
});

const live = { name: 'Live', execution: 'live' };
const limitBuy = { symbol: 'BTCUSDT', side: 'buy', type: 'limit', quantity: '0.01', price: '59000' };

async function books(portfolioId: string, ...steps: LiveStep[]): Promise<void> {
  await writer.submit({ kind: 'execute_live', portfolioId, atUs: Date.now() * 1_000, steps });
}

describe('a live portfolio', () => {
  let portfolioId: string;

  it('is for operators, and where the service is configured for it', async () => {
    const { ask } = trading;
    const refused = await ask<Problem>('POST', '/v1/portfolios', { token: trader, body: live, status: 403 });
    expect(refused.code).toBe('FORBIDDEN');
    const elsewhere = asking(paperService.app);
    const off = await elsewhere<Problem>('POST', '/v1/portfolios', {
      token: operator,
      body: live,
      status: 409,
    });
    expect(off).toMatchObject({ code: 'LIVE_TRADING_OFF', retryable: false });
    expect(off.remedy).toContain('liveTrading');
    expect((await ask<Page<PortfolioSummary>>('GET', '/v1/portfolios', { token: operator })).items).toEqual(
      [],
    );
  });

  it('is the one of its account', async () => {
    const { ask } = trading;
    const opened = await ask<PortfolioSummary>('POST', '/v1/portfolios', {
      token: operator,
      body: live,
      status: 201,
    });
    expect(opened).toMatchObject({ name: 'Live', execution: 'live' });
    portfolioId = opened.id;
    const both = { token: operator, body: live, status: 409 };
    const second = await ask<Problem>('POST', '/v1/portfolios', both);
    expect(second).toMatchObject({ code: 'ALREADY_EXISTS' });
    const paper = await ask<PortfolioSummary>('POST', '/v1/portfolios', {
      ...{ token: operator, body: { name: 'Paper' }, status: 201 },
    });
    expect(paper.execution).toBe('paper');
    const { items } = await ask<Page<PortfolioSummary>>('GET', '/v1/portfolios', { token: operator });
    expect(items.map(({ execution }) => execution)).toEqual(['live', 'paper']);
    expect(await ask('GET', `/v1/portfolios/${portfolioId}`, { token: operator })).toMatchObject({
      execution: 'live',
    });
  });

  it('takes orders, which hold no fee, and shows what its exchange makes of them', async () => {
    const { ask } = trading;
    const money = { token: operator, body: { asset: 'USDT', amount: '10000' }, status: 201 };
    await ask('POST', `/v1/portfolios/${portfolioId}/deposits`, money);
    const body = { portfolioId, ...limitBuy };
    const order = await ask<Order>('POST', '/v1/orders', { token: operator, body, status: 201 });
    expect(order).toMatchObject({ status: 'open', held: '590', isCancelRequested: false });
    const url = `/v1/orders/${order.id}`;
    const of = { orderId: order.id };
    await books(
      portfolioId,
      { ...of, kind: 'send_order', validUntilUs: 5 },
      { ...of, kind: 'confirm_order', venueOrderId: 7 },
      {
        ...{
          ...of,
          kind: 'book_fill',
          fillId: 1,
          quantity: parseDecimal('0.004'),
          price: parseDecimal('58000'),
        },
        ...{
          fee: parseDecimal('0.000004'),
          feeAsset: 'BTC',
          liquidity: 'maker',
          marketTimeUs: 1_700_000_000_000_000,
        },
      },
    );
    const asked = await ask<Order>('DELETE', url, { token: operator });
    expect(asked).toMatchObject({
      status: 'partially_filled',
      isCancelRequested: true,
      held: '358',
      fees: '0.232',
    });
    expect(await ask<Order>('DELETE', url, { token: operator })).toEqual(asked);
    const amended = { token: operator, body: { price: '59100' }, status: 400 };
    expect(await ask<Problem>('PATCH', url, amended)).toMatchObject({ code: 'BAD_REQUEST' });
    await books(portfolioId, {
      ...of,
      kind: 'end_order',
      as: 'canceled',
      filledQuantity: parseDecimal('0.004'),
    });
    expect(await ask<Order>('GET', url, { token: operator })).toMatchObject({
      ...{ status: 'canceled', isCancelRequested: false, held: '0', filledQuantity: '0.004' },
    });
    const { balances } = await ask<Portfolio>('GET', `/v1/portfolios/${portfolioId}`, { token: operator });
    expect(balances).toEqual([
      { asset: 'BTC', total: '0.003996', available: '0.003996', held: '0' },
      { asset: 'USDT', total: '9768', available: '9768', held: '0' },
    ]);
    const query = `?portfolioId=${portfolioId}`;
    const { items } = await ask<Page<Transaction>>('GET', `/v1/transactions${query}`, { token: operator });
    expect(items[0]?.entries).toContainEqual({ asset: 'BTC', account: 'fees', amount: '0.000004' });
    const checked = await ask('GET', `/v1/reconciliation${query}`, { token: operator });
    expect(checked).toMatchObject({ isRight: true, differences: [] });
  });

  it('says of an order that the exchange refused why', async () => {
    const { ask } = trading;
    const body = { portfolioId, ...limitBuy };
    const { id } = await ask<Order>('POST', '/v1/orders', { token: operator, body, status: 201 });
    await books(
      portfolioId,
      { kind: 'send_order', orderId: id, validUntilUs: 5 },
      { kind: 'refuse_order', orderId: id, code: 'VENUE_REFUSED', detail: 'The exchange says OTHER: no' },
    );
    expect(await ask<Order>('GET', `/v1/orders/${id}`, { token: operator })).toMatchObject({
      ...{
        status: 'rejected',
        rejectCode: 'VENUE_REFUSED',
        rejectDetail: 'The exchange says OTHER: no',
        held: '0',
      },
    });
  });

  it('takes nothing where the service is not configured for it, not even money', async () => {
    const elsewhere = asking(paperService.app);
    const order = { token: operator, body: { portfolioId, ...limitBuy }, status: 409 };
    expect(await elsewhere<Problem>('POST', '/v1/orders', order)).toMatchObject({ code: 'LIVE_TRADING_OFF' });
    const money = { token: operator, body: { asset: 'USDT', amount: '1' }, status: 409 };
    const url = `/v1/portfolios/${portfolioId}/withdrawals`;
    expect(await elsewhere<Problem>('POST', url, money)).toMatchObject({ code: 'LIVE_TRADING_OFF' });
  });

  it('takes orders of its own venue alone', async () => {
    const body = { portfolioId, ...limitBuy, source: 'binance' };
    const order = await trading.ask<Order>('POST', '/v1/orders', { token: operator, body, status: 201 });
    expect(order).toMatchObject({ status: 'rejected', rejectCode: 'UNKNOWN_SYMBOL' });
  });
});
