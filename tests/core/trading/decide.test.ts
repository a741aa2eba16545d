import { describe, expect, it } from 'vitest';
import { decide } from '#core/trading/decide.ts';
import { emptyPortfolio } from '#core/trading/apply.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import { around, command, d, Desk, only, rebuilt, startUs } from './pure.ts';

describe('a portfolio', () => {
  it('has to be open, and is opened once', () => {
    const deposit = command({ kind: 'deposit', id: '1', asset: 'USDT', amount: d('1') });
    expect(decide(emptyPortfolio('p'), deposit, around())).toMatchObject({ refused: { code: 'NOT_FOUND' } });
    const opening = { kind: 'open_portfolio', userId: 'u', name: 'Two', limits: defaultLimits } as const;
    expect(new Desk().refuses(opening)).toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  it('takes deposits above nothing, up to what a balance can be', () => {
    const desk = new Desk({});
    const deposit = (amount: string) =>
      ({ kind: 'deposit', id: amount, asset: 'USDT', amount: d(amount) }) as const;
    for (const amount of ['0', '-1', '10000000000000000001'])
      expect(desk.refuses(deposit(amount)), amount).toMatchObject({ code: 'BAD_REQUEST' });
    desk.does(deposit('10000000000000000000'));
    expect(desk.refuses(deposit('0.000000000000000001'))).toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('gives back what is available, and no more', () => {
    const desk = new Desk({ USDT: '100' });
    desk.opens({ quantity: '1', price: '90' });
    const withdrawal = (amount: string) =>
      ({ kind: 'withdraw', id: amount, asset: 'USDT', amount: d(amount) }) as const;
    expect(desk.refuses(withdrawal('9.910000000000000001'))).toMatchObject({ code: 'INSUFFICIENT_FUNDS' });
    for (const amount of ['0', '-1'])
      expect(desk.refuses(withdrawal(amount))).toMatchObject({ code: 'BAD_REQUEST' });
    desk.does(withdrawal('9.91'));
    expect(desk.balance('USDT')).toEqual({ available: '0', held: '90.09' });
  });

  it.each([
    { priceCollar: d('0') },
    { priceCollar: d('1.01') },
    { dailyLossMax: d('-1') },
    { openOrdersMax: 1.5 },
    { staleAfterMs: Number.NaN },
    { ordersPerMinuteMax: Infinity },
  ])('does not take the limits %o', (changes) => {
    const limits = { ...defaultLimits, ...changes };
    expect(new Desk().refuses({ kind: 'set_limits', limits, by: 'u' })).toMatchObject({
      code: 'BAD_REQUEST',
    });
  });
});

describe('cancelling', () => {
  it('gives back what is held, once', () => {
    const desk = new Desk();
    const { id } = desk.opens();
    const cancel = { kind: 'cancel_order', orderId: id, reason: 'requested' } as const;
    expect(desk.does(cancel)).toMatchObject([{ type: 'order_canceled', released: d('90.09') }]);
    expect(desk.order(id)).toMatchObject({ status: 'canceled', held: 0n });
    expect(desk.balance('USDT')).toEqual({ available: '1000', held: '0' });
    expect(desk.refuses(cancel)).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('all of a symbol, in the order they were placed', () => {
    const desk = new Desk();
    const ids = [3, 1, 2].map((after) => desk.opens({}, around(), startUs + after).id);
    expect(desk.does({ kind: 'cancel_all', symbol: 'ETHUSDT', reason: 'requested' })).toEqual([]);
    const events = desk.does({ kind: 'cancel_all', symbol: 'BTCUSDT', reason: 'kill_switch' });
    expect(only(events, 'order_canceled').map(({ order }) => order.id)).toEqual([ids[1], ids[2], ids[0]]);
    expect(desk.portfolio.orders.size).toBe(0);
  });
});

describe("the dead-man's switch", () => {
  const minute = 60_000_000;
  const armed = () => {
    const desk = new Desk();
    desk.opens();
    desk.does({ kind: 'cancel_after', untilUs: startUs + minute });
    return desk;
  };
  const fire = { kind: 'cancel_all', reason: 'cancel_after' } as const;

  it('cancels when its time has come, and not before', () => {
    const desk = armed();
    expect(desk.does(fire, around(), startUs + minute - 1)).toEqual([]);
    const events = desk.does(fire, around(), startUs + minute);
    expect(events).toMatchObject([
      { type: 'order_canceled', reason: 'cancel_after' },
      { type: 'cancel_after_set', untilUs: null },
    ]);
    expect(desk.does(fire, around(), startUs + 2 * minute)).toEqual([]);
  });

  it('that was moved on, or off, in time does nothing at its old time', () => {
    const desk = armed();
    desk.does({ kind: 'cancel_after', untilUs: startUs + 2 * minute }, around(), startUs + minute - 1);
    expect(desk.does(fire, around(), startUs + minute)).toEqual([]);
    desk.does({ kind: 'cancel_after', untilUs: null }, around(), startUs + minute);
    expect(desk.does(fire, around(), startUs + 3 * minute)).toEqual([]);
    expect(desk.portfolio.orders.size).toBe(1);
  });

  it('comes before what its owner asks too late', () => {
    const desk = armed();
    const late = desk.opens({}, around(), startUs + minute);
    expect([...desk.portfolio.orders.keys()]).toEqual([late.id]);
    expect(desk.portfolio.cancelAfterUs).toBeUndefined();
    const other = armed();
    other.does({ kind: 'cancel_after', untilUs: startUs + 3 * minute }, around(), startUs + minute);
    expect(other.portfolio.orders.size).toBe(0);
    expect(other.portfolio.cancelAfterUs).toBe(startUs + 3 * minute);
  });

  it('is not set to the past', () => {
    expect(armed().refuses({ kind: 'cancel_after', untilUs: startUs })).toMatchObject({
      code: 'BAD_REQUEST',
    });
  });
});

describe('amending', () => {
  const active = (desk: Desk, orderId: string) =>
    desk.does({ kind: 'activate_order', orderId, activeAfterTradeId: 10, queueAhead: d('5') });

  it('to less keeps the place in the queue', () => {
    const desk = new Desk();
    const { id } = desk.opens({ quantity: '2' });
    active(desk, id);
    desk.does({ kind: 'amend_order', orderId: id, quantity: d('1') });
    expect(desk.order(id)).toMatchObject({
      ...{ quantity: d('1'), held: d('90.09'), activeAfterTradeId: 10, queueAhead: d('5') },
    });
    expect(desk.balance('USDT')).toEqual({ available: '909.91', held: '90.09' });
  });

  it('to more, or to another price, gives it up', () => {
    const desk = new Desk();
    const { id } = desk.opens();
    for (const change of [{ quantity: d('2') }, { price: d('91') }]) {
      active(desk, id);
      desk.does({ kind: 'amend_order', orderId: id, ...change });
      expect(desk.order(id)).toMatchObject({ activeAfterTradeId: -1, queueAhead: 0n });
    }
    expect(desk.balance('USDT')).toEqual({ available: '817.818', held: '182.182' });
  });

  it('holds for what is left of it', () => {
    const desk = new Desk();
    const { id } = desk.opens({ quantity: '2' });
    active(desk, id);
    desk.does({
      ...{ kind: 'fill_order', orderId: id, tradeId: 11, quantity: d('0.5'), price: d('90') },
      ...{ liquidity: 'maker', queueAhead: d('0'), marketTimeUs: startUs },
    });
    desk.does({ kind: 'amend_order', orderId: id, quantity: d('1') });
    expect(desk.order(id)).toMatchObject({ quantity: d('1'), held: d('45.045'), status: 'partially_filled' });
    expect(desk.refuses({ kind: 'amend_order', orderId: id, quantity: d('0.5') })).toMatchObject({
      code: 'BAD_REQUEST',
    });
  });

  it.each([
    ['PRICE_OFF_TICK', { price: d('90.001') }],
    ['PRICE_OUTSIDE_COLLAR', { price: d('121') }],
    ['STOP_PRICE_NOT_ALLOWED', { stopPrice: d('110') }],
    ['INSUFFICIENT_BALANCE', { quantity: d('12') }],
    ['NOTIONAL_TOO_SMALL', { quantity: d('0.05') }],
  ] as const)('is refused as a placement would be: %s', (rejectCode, change) => {
    const desk = new Desk();
    const { id } = desk.opens();
    expect(desk.refuses({ kind: 'amend_order', orderId: id, ...change })).toMatchObject({
      ...{ code: 'BAD_REQUEST', rejectCode },
    });
  });

  it('counts its own funds, and not itself in the position', () => {
    const desk = new Desk({ USDT: '1000' }, { positionNotionalMax: d('1000') });
    const { id } = desk.opens({ quantity: '10' });
    desk.does({ kind: 'amend_order', orderId: id, quantity: d('9.9') });
    desk.does({ kind: 'amend_order', orderId: id, quantity: d('10') });
    expect(desk.order(id).held).toBe(d('900.9'));
  });

  it('halted portfolios amend nothing', () => {
    const desk = new Desk();
    const { id } = desk.opens();
    const halted = around({ globalRisk: 'halted' });
    expect(desk.refuses({ kind: 'amend_order', orderId: id, quantity: d('0.5') }, halted)).toMatchObject({
      rejectCode: 'HALTED',
    });
  });

  it('a stop price moves until it was reached', () => {
    const desk = new Desk();
    const { id } = desk.opens({ type: 'stop_limit', price: '112', stopPrice: '110' });
    desk.does({ kind: 'amend_order', orderId: id, stopPrice: d('111') });
    active(desk, id);
    desk.does({ kind: 'trigger_order', orderId: id, tradeId: 11, price: d('111') });
    expect(desk.refuses({ kind: 'amend_order', orderId: id, stopPrice: d('112') })).toMatchObject({
      code: 'BAD_REQUEST',
    });
    desk.does({ kind: 'amend_order', orderId: id, price: d('113') });
    expect(desk.order(id)).toMatchObject({ status: 'open', price: d('113'), stopPrice: d('111') });
    expect(rebuilt(desk.events)).toEqual(desk.portfolio);
  });
});
