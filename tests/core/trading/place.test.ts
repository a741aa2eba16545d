import { describe, expect, it } from 'vitest';
import type { OrderRequest } from '#core/trading/order.ts';
import { around, d, Desk, fees, marketAt, only, rules, startUs } from './pure.ts';

describe('what an order holds', () => {
  it('a limit purchase its price with the taker fee', () => {
    const desk = new Desk();
    const order = desk.opens({ quantity: '2', price: '90' });
    expect(order).toMatchObject({ status: 'open', held: d('180.18'), activeAfterTradeId: -1 });
    expect(desk.balance('USDT')).toEqual({ available: '819.82', held: '180.18' });
  });

  it('a market purchase the last price, the collar and the taker fee', () => {
    const desk = new Desk();
    expect(desk.opens({ type: 'market', quantity: '2' }).held).toBe(d('240.24'));
  });

  it('a stop purchase its stop price, the collar and the taker fee', () => {
    const desk = new Desk();
    const order = desk.opens({ type: 'stop_loss', stopPrice: '110', quantity: '2' });
    expect(order).toMatchObject({ status: 'pending', held: d('264.264') });
  });

  it('a sale its quantity', () => {
    const desk = new Desk({ BTC: '3' });
    desk.opens({ side: 'sell', price: '110', quantity: '2' });
    expect(desk.balance('BTC')).toEqual({ available: '1', held: '2' });
  });

  it('rounds up what does not fit', () => {
    const fine = { ...rules, tickSize: d('0.000000000000000001'), stepSize: d('0.1') };
    const market = marketAt('0.000000000000000001', { rules: { ...fine, minNotional: d('0') } });
    const desk = new Desk({ USDT: '1' });
    const order = desk.opens({ quantity: '0.1', price: '0.000000000000000001' }, around({ market }));
    expect(order.held).toBe(d('0.000000000000000002'));
  });

  it('of two sales of the same coin, the second is rejected', () => {
    const desk = new Desk({ BTC: '1' });
    desk.opens({ side: 'sell', price: '110' });
    expect(desk.places({ side: 'sell', price: '110' })).toBe('INSUFFICIENT_BALANCE');
    expect(desk.balance('BTC')).toEqual({ available: '0', held: '1' });
  });
});

describe('what is rejected', () => {
  const fundedWith = { USDT: '100000', BTC: '1' };
  it.each([
    ['PRICE_NOT_ALLOWED', { type: 'market', price: '100' }],
    ['STOP_PRICE_REQUIRED', { type: 'stop_loss' }],
    ['STOP_PRICE_REQUIRED', { type: 'stop_limit' }],
    ['STOP_PRICE_NOT_ALLOWED', { stopPrice: '110' }],
    ['STOP_PRICE_REACHED', { type: 'stop_loss', stopPrice: '100' }],
    ['STOP_PRICE_REACHED', { type: 'stop_loss', stopPrice: '100', side: 'sell' }],
    ['POST_ONLY_NOT_ALLOWED', { type: 'market', postOnly: true }],
    ['TIME_IN_FORCE_NOT_ALLOWED', { postOnly: true, timeInForce: 'IOC' }],
    ['POST_ONLY_WOULD_TAKE', { postOnly: true, price: '100' }],
    ['POST_ONLY_WOULD_TAKE', { postOnly: true, price: '100', side: 'sell' }],
    ['PRICE_OFF_TICK', { price: '90.001' }],
    ['PRICE_OFF_TICK', { price: '0' }],
    ['PRICE_OFF_TICK', { price: '-90' }],
    ['PRICE_OFF_TICK', { type: 'stop_limit', price: '110', stopPrice: '110.005' }],
    ['QUANTITY_OFF_STEP', { quantity: '1.00001' }],
    ['QUANTITY_OFF_STEP', { quantity: '0' }],
    ['QUANTITY_OFF_STEP', { quantity: '-1' }],
    ['NOTIONAL_TOO_SMALL', { quantity: '0.0555', price: '90' }],
    ['PRICE_OUTSIDE_COLLAR', { price: '120.01' }],
    ['PRICE_OUTSIDE_COLLAR', { price: '79.99' }],
    ['PRICE_OUTSIDE_COLLAR', { side: 'sell', price: '79.99' }],
    ['INSUFFICIENT_BALANCE', { quantity: '1200' }],
    ['INSUFFICIENT_BALANCE', { side: 'sell', quantity: '1.0001', price: '110' }],
  ] as const)('%s: %o', (code, asked) => {
    const desk = new Desk(fundedWith);
    const before = desk.portfolio.balances;
    expect(desk.places(asked)).toBe(code);
    expect(desk.portfolio.balances).toBe(before);
    expect(only(desk.events, 'order_rejected').at(-1)?.detail).toMatch(/./);
  });

  it('a limit order without a price', () => {
    const desk = new Desk();
    const events = desk.does({ kind: 'place_order', orderId: 'x', request: unpriced });
    expect(events).toMatchObject([{ type: 'order_rejected', code: 'PRICE_REQUIRED' }]);
  });

  it('what is just inside', () => {
    const desk = new Desk(fundedWith);
    for (const asked of [
      { price: '120' },
      { price: '80' },
      { quantity: '0.0556', price: '90' },
      { postOnly: true, price: '99.99' },
      { type: 'stop_loss', stopPrice: '100.01' },
      { type: 'stop_limit', side: 'sell', stopPrice: '99.99', price: '99' },
    ] as const)
      expect(desk.places(asked), JSON.stringify(asked)).toMatchObject({ id: expect.any(String) });
  });

  it('an unknown symbol, one that does not trade, and one without or with old prices', () => {
    const desk = new Desk();
    expect(desk.places({}, { globalRisk: 'active', fees })).toBe('UNKNOWN_SYMBOL');
    const resting = marketAt('100', { rules: { ...rules, isTrading: false } });
    expect(desk.places({}, around({ market: resting }))).toBe('SYMBOL_NOT_TRADING');
    const { last, ...silent } = marketAt();
    expect(desk.places({}, around({ market: silent }))).toBe('MARKET_DATA_STALE');
    const lastUs = last?.timeUs ?? 0;
    const aged = (ms: number) => around({ market: marketAt('100', { timeUs: lastUs + ms * 1000 }) });
    expect(desk.places({}, aged(60_001))).toBe('MARKET_DATA_STALE');
    expect(desk.places({}, aged(60_000))).toMatchObject({ status: 'open' });
    expect(only(desk.events, 'order_rejected').at(-1)?.decision.priceAgeMs).toBe(60_001);
  });

  it('huge amounts, without a figure that cannot be stored', () => {
    const huge = '99999999999999999999';
    const desk = new Desk({ USDT: '9999999999999999999' });
    const market = marketAt(huge, { rules: { ...rules, tickSize: d('0.01'), stepSize: d('1') } });
    expect(desk.places({ quantity: huge, price: huge }, around({ market }))).toBe('POSITION_LIMIT');
    const { decision } = only(desk.events, 'order_rejected').at(-1) ?? {};
    expect(decision?.notional).toBe(d('99999999999999999999.999999999999999999'));
    expect(decision?.positionNotional).toBe(decision?.notional);
  });
});

describe('the limits of a portfolio', () => {
  const rich = { USDT: '100000', BTC: '10' };

  it('hold an order by its worth', () => {
    const desk = new Desk(rich, { orderNotionalMax: d('180') });
    expect(desk.places({ quantity: '2.0001', price: '90' })).toBe('NOTIONAL_LIMIT');
    expect(desk.places({ quantity: '2', price: '90' })).toMatchObject({ status: 'open' });
  });

  it('hold a position by what is there, what is being bought, and the order', () => {
    const desk = new Desk(rich, { positionNotionalMax: d('1500') });
    desk.opens({ quantity: '3' });
    expect(desk.places({ quantity: '2.0001' })).toBe('POSITION_LIMIT');
    expect(desk.places({ quantity: '2' })).toMatchObject({ status: 'open' });
    expect(desk.places({ side: 'sell', quantity: '9', price: '110' })).toMatchObject({ status: 'open' });
    const { decision } = only(desk.events, 'order_accepted')[1] ?? {};
    expect(decision).toMatchObject({ positionNotional: d('1500'), notional: d('180'), openOrders: 1 });
  });

  it('count open orders', () => {
    const desk = new Desk(rich, { openOrdersMax: 2 });
    const first = desk.opens();
    desk.opens();
    expect(desk.places()).toBe('OPEN_ORDERS_LIMIT');
    desk.does({ kind: 'cancel_order', orderId: first.id, reason: 'requested' });
    expect(desk.places()).toMatchObject({ status: 'open' });
  });

  it('count the orders of a minute, those of the one before by the share still in reach', () => {
    const desk = new Desk(rich, { ordersPerMinuteMax: 4 });
    const minute = Math.ceil(startUs / 60_000_000) * 60_000_000;
    for (let n = 0; n < 4; n += 1) desk.opens({}, around(), minute);
    expect(desk.places({}, around(), minute + 59_999_999)).toBe('ORDER_RATE_LIMIT');
    const half = minute + 90_000_000;
    desk.opens({}, around(), half);
    desk.opens({}, around(), half);
    expect(desk.places({}, around(), half)).toBe('ORDER_RATE_LIMIT');
    expect(desk.places({}, around(), minute + 180_000_000)).toMatchObject({ status: 'open' });
  });

  it('a clock set back does not forget what was counted', () => {
    const desk = new Desk(rich, { ordersPerMinuteMax: 1 });
    desk.opens({}, around(), startUs);
    expect(desk.places({}, around(), startUs - 3_600_000_000)).toBe('ORDER_RATE_LIMIT');
  });
});

describe('risk states', () => {
  it.each(['portfolio', 'global'])('reducing and halted, of the %s', (whose) => {
    const desk = new Desk({ USDT: '1000', BTC: '2' });
    const under = (risk: 'active' | 'reducing' | 'halted') => {
      if (whose === 'global') return around({ globalRisk: risk });
      desk.does({ kind: 'set_risk', risk, by: 'operator', reason: 'test' });
      return around();
    };
    const reducing = under('reducing');
    expect(desk.places({}, reducing)).toBe('ONLY_REDUCING');
    expect(desk.places({ side: 'sell', price: '110' }, reducing)).toMatchObject({ status: 'open' });
    const halted = under('halted');
    expect(desk.places({}, halted)).toBe('HALTED');
    expect(desk.places({ side: 'sell', price: '110' }, halted)).toBe('HALTED');
    expect(desk.places({}, under('active'))).toMatchObject({ status: 'open' });
  });

  it('the stricter of the two counts', () => {
    const desk = new Desk();
    desk.does({ kind: 'set_risk', risk: 'halted', by: 'operator', reason: 'test' });
    expect(desk.places({}, around({ globalRisk: 'reducing' }))).toBe('HALTED');
    expect(only(desk.events, 'order_rejected')[0]?.decision).toMatchObject({
      portfolioRisk: 'halted',
      globalRisk: 'reducing',
    });
  });

  it('setting what is set already leaves no event', () => {
    const desk = new Desk();
    expect(desk.does({ kind: 'set_risk', risk: 'active', by: 'operator', reason: 'test' })).toEqual([]);
  });
});

const unpriced: OrderRequest = {
  ...{ source: 'binance', symbol: 'BTCUSDT', side: 'buy', type: 'limit', quantity: d('1') },
  ...{ timeInForce: 'GTC', postOnly: false },
};
