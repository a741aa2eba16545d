import { describe, expect, it } from 'vitest';
import type { FillStep } from '#core/trading/fill.ts';
import { around, d, Desk, only, startUs } from './pure.ts';

const fill = (
  orderId: string,
  quantity: string,
  price: string,
  changes: Partial<FillStep> = {},
): FillStep => ({
  ...{ kind: 'fill_order', orderId, tradeId: 11, quantity: d(quantity), price: d(price) },
  ...{ liquidity: 'maker', queueAhead: d('0'), marketTimeUs: startUs, ...changes },
});

const activate = (orderId: string, activeAfterTradeId = 10) =>
  ({ kind: 'activate_order', orderId, activeAfterTradeId, queueAhead: d('0') }) as const;

function opened(desk: Desk, ...asked: Parameters<Desk['opens']>): string {
  const { id } = desk.opens(...asked);
  desk.does(activate(id));
  return id;
}

describe('a purchase', () => {
  it('pays what it bought and the fee out of what it held, and gives the rest back at its end', () => {
    const desk = new Desk();
    const id = opened(desk, { quantity: '2', price: '90' });
    desk.does(fill(id, '0.5', '90'));
    // 45 and a maker's fee of 0.0225 of the 180.18 that were held.
    expect(desk.order(id)).toMatchObject({ status: 'partially_filled', held: d('135.1575') });
    expect(desk.balance('BTC')).toEqual({ available: '0.5', held: '0' });
    const events = desk.does(fill(id, '1.5', '88', { tradeId: 12 }));
    // 132 and 0.066; 3.0915 were held for a worse price and a taker's fee.
    expect(events).toMatchObject([
      { type: 'order_filled', released: d('3.0915'), fill: { fee: d('0.066') } },
    ]);
    expect(desk.order(id)).toMatchObject({
      ...{ status: 'filled', filledQuantity: d('2'), filledQuote: d('177'), fees: d('0.0885'), held: 0n },
    });
    expect(desk.balance('USDT')).toEqual({ available: '822.9115', held: '0' });
    expect(desk.portfolio.holdings.get('BTC/USDT')).toMatchObject({
      ...{ quantity: d('2'), cost: d('177.0885') },
      lots: [
        { quantity: d('0.5'), unitCost: d('90.045') },
        { quantity: d('1.5'), unitCost: d('88.044') },
      ],
    });
  });

  it('never costs more than it holds, though fees have risen', () => {
    const desk = new Desk();
    const id = opened(desk, { price: '90' });
    const dear = around({ fees: { maker: d('0.5'), taker: d('0.5') } });
    desk.does(fill(id, '1', '90'), dear);
    expect(desk.order(id)).toMatchObject({ status: 'filled', fees: d('0.09') });
    expect(desk.balance('USDT')).toEqual({ available: '909.91', held: '0' });
  });
});

describe('a sale', () => {
  it('brings its proceeds less the fee, and profit by average cost and by the oldest lots', () => {
    const desk = new Desk();
    for (const [quantity, price] of [
      ['1', '90'],
      ['1', '80'],
    ] as const)
      desk.does(fill(opened(desk, { quantity, price }), quantity, price));
    const id = opened(desk, { side: 'sell', quantity: '1.5', price: '110' });
    const [sold] = only(desk.does(fill(id, '1.5', '110')), 'order_filled');
    // Bought for 90.045 and 80.04, sold for 165 less 0.0825: 164.9175 − 1.5 × 85.0425, and − 90.045 − 40.02.
    expect(sold).toMatchObject({ realizedAverage: d('37.35375'), realizedFifo: d('34.8525') });
    expect(desk.portfolio.holdings.get('BTC/USDT')).toMatchObject({
      ...{ quantity: d('0.5'), cost: d('42.52125'), realizedAverage: d('37.35375') },
      lots: [{ quantity: d('0.5'), unitCost: d('80.04') }],
    });
    expect(desk.balance('USDT')).toEqual({ available: '994.8325', held: '0' });
    expect(desk.balance('BTC')).toEqual({ available: '0.5', held: '0' });
  });

  it('of coins that were deposited brings neither profit nor loss', () => {
    const desk = new Desk({ USDT: '1000', BTC: '3' });
    desk.does(fill(opened(desk, { price: '90' }), '1', '90'));
    const id = opened(desk, { side: 'sell', quantity: '4', price: '100.5' });
    const [sold] = only(desk.does(fill(id, '4', '100.5')), 'order_filled');
    // A quarter of 402 less 0.201 is for the coin that was bought for 90.045.
    expect(sold).toMatchObject({ realizedAverage: d('10.40475'), realizedFifo: d('10.40475') });
  });

  it('is of what is left after a withdrawal: the oldest lots are gone at their cost', () => {
    const desk = new Desk({ USDT: '1000', BTC: '1' });
    desk.does(fill(opened(desk, { price: '90' }), '1', '90'));
    desk.does(fill(opened(desk, { price: '80' }), '1', '80'));
    desk.does({ kind: 'withdraw', id: 'w', asset: 'BTC', amount: d('1') });
    expect(desk.portfolio.holdings.get('BTC/USDT')?.quantity).toBe(d('2'));
    desk.does({ kind: 'withdraw', id: 'v', asset: 'BTC', amount: d('1') });
    expect(desk.portfolio.holdings.get('BTC/USDT')).toMatchObject({
      ...{ quantity: d('1'), realizedFifo: 0n },
      lots: [{ quantity: d('1'), unitCost: d('80.04') }],
    });
  });
});

describe('a fill is refused', () => {
  it.each([
    ['worse than the price of a purchase', 'buy', fill('o1', '1', '90.01')],
    ['worse than the price of a sale', 'sell', fill('o1', '1', '109.99')],
    ['at no price', 'buy', fill('o1', '1', '0')],
    ['of more than is left', 'buy', fill('o1', '1.0001', '90')],
    ['of nothing', 'buy', fill('o1', '0', '90')],
    ['by a trade that came before it', 'buy', fill('o1', '1', '90', { tradeId: 10 })],
  ] as const)('%s', (_, side, step) => {
    const desk = new Desk({ USDT: '1000', BTC: '1' });
    opened(desk, { side, price: side === 'buy' ? '90' : '110' });
    expect(desk.refuses(step)).toMatchObject({ code: 'CONFLICT' });
  });

  it('by the same trade twice', () => {
    const desk = new Desk();
    const id = opened(desk);
    desk.does(fill(id, '0.5', '90'));
    expect(desk.refuses(fill(id, '0.5', '90'))).toMatchObject({ code: 'CONFLICT' });
    desk.does(fill(id, '0.5', '90', { tradeId: 12 }));
    expect(desk.refuses(fill(id, '0.5', '90', { tradeId: 13 }))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('before the order is active, or its stop price reached', () => {
    const desk = new Desk();
    const { id } = desk.opens();
    expect(desk.refuses(fill(id, '1', '90'))).toMatchObject({ code: 'CONFLICT' });
    const stop = opened(desk, { type: 'stop_loss', stopPrice: '110' });
    expect(desk.refuses(fill(stop, '1', '110'))).toMatchObject({ code: 'CONFLICT' });
  });

  it('for more than a market order holds', () => {
    const desk = new Desk();
    const id = opened(desk, { type: 'market' });
    expect(desk.refuses(fill(id, '1', '120.13', { liquidity: 'taker' }))).toMatchObject({ code: 'CONFLICT' });
    desk.does(fill(id, '1', '120.12', { liquidity: 'taker' }));
    expect(desk.order(id)).toMatchObject({ status: 'filled', fees: 0n });
  });
});

describe('a stop order', () => {
  it('is triggered by a later trade at its price or beyond, once', () => {
    const desk = new Desk();
    const id = opened(desk, { type: 'stop_loss', stopPrice: '110' });
    const trigger = (tradeId: number, price: string) =>
      ({ kind: 'trigger_order', orderId: id, tradeId, price: d(price) }) as const;
    expect(desk.refuses(trigger(10, '110'))).toMatchObject({ code: 'CONFLICT' });
    expect(desk.refuses(trigger(11, '109.99'))).toMatchObject({ code: 'CONFLICT' });
    desk.does(trigger(11, '115'));
    expect(desk.order(id)).toMatchObject({ status: 'open', activeAfterTradeId: 11 });
    expect(desk.refuses(trigger(12, '115'))).toMatchObject({ code: 'CONFLICT' });
  });
});

describe('several steps', () => {
  it('are one decision, and what no longer fits is left out', () => {
    const desk = new Desk();
    const [gone, stays] = [desk.opens().id, desk.opens().id];
    desk.does({ kind: 'cancel_order', orderId: gone, reason: 'requested' });
    const steps = [gone, stays].flatMap((id) => [activate(id), fill(id, '1', '90')]);
    expect(desk.does({ kind: 'execute', steps })).toMatchObject([
      { type: 'order_activated', order: { id: stays } },
      { type: 'order_filled', order: { id: stays } },
    ]);
  });

  it('activating again where nothing has changed leaves no event; going back is refused', () => {
    const desk = new Desk();
    const id = opened(desk);
    expect(desk.does(activate(id))).toEqual([]);
    expect(desk.refuses(activate(id, 9))).toMatchObject({ code: 'CONFLICT' });
  });

  it('an order that expires gives back what it holds', () => {
    const desk = new Desk();
    const id = opened(desk, { timeInForce: 'IOC' });
    expect(desk.does({ kind: 'expire_order', orderId: id, reason: 'IOC' })).toMatchObject([
      { type: 'order_expired', released: d('90.09'), order: { status: 'expired', held: 0n } },
    ]);
    expect(desk.balance('USDT')).toEqual({ available: '1000', held: '0' });
  });
});

describe('the daily loss', () => {
  const day = 86_400_000_000;
  const mark = (price: string, marketTimeUs = startUs) =>
    ({ kind: 'mark_prices', prices: new Map([['BTC/USDT', d(price)]]), marketTimeUs }) as const;
  const holding = () => {
    const desk = new Desk({ USDT: '1000' }, { dailyLossMax: d('10') });
    desk.does(mark('100'));
    desk.does(fill(opened(desk, { price: '100' }), '1', '100', { tradeId: 12 }));
    return desk;
  };

  it('sets reducing as prices fall, by itself and once', () => {
    const desk = holding();
    // Bought for 100.05: 90.05 is the last price at which no more than 10 are lost.
    expect(desk.does(mark('90.05'))).toEqual([]);
    expect(desk.does(mark('90.04'))).toMatchObject([
      { type: 'risk_set', risk: 'reducing', by: 'daily_loss' },
    ]);
    expect(desk.does(mark('80'))).toEqual([]);
    expect(desk.places({ price: '90' })).toBe('ONLY_REDUCING');
  });

  it('counts from where holdings stood as the day began', () => {
    const desk = holding();
    expect(desk.does(mark('85', startUs + day))).toMatchObject([
      { type: 'day_opened', date: '2023-11-15', unrealized: [{ pair: 'BTC/USDT', amount: d('-15.05') }] },
    ]);
    expect(desk.does(mark('75', startUs + day))).toEqual([]);
    expect(desk.does(mark('74.99', startUs + day))).toMatchObject([{ risk: 'reducing' }]);
  });

  it('counts sales, and what is sold no more as held', () => {
    const desk = holding();
    desk.does(mark('95', startUs + day));
    const id = opened(desk, { side: 'sell', price: '90' });
    // Sold for 90 less 0.045; as the day began it was worth 95.
    desk.does(fill(id, '1', '90', { tradeId: 13, marketTimeUs: startUs + day }));
    expect(desk.portfolio.day.realized.get('USDT')).toBe(d('-10.095'));
    expect(desk.portfolio.risk).toBe('reducing');
    desk.does({ kind: 'set_risk', risk: 'active', by: 'u', reason: 'seen' });
    expect(desk.does(mark('90', startUs + day))).toEqual([]);
    expect(desk.places({ price: '90' })).toBe('DAILY_LOSS_LIMIT');
    desk.does(mark('90', startUs + 2 * day));
    expect(desk.places({ price: '90' })).toMatchObject({ status: 'open' });
  });

  it('is of the market: a mark of a day that is over opens none', () => {
    const desk = holding();
    desk.does(mark('100', startUs + day));
    expect(desk.does(mark('100', startUs))).toEqual([]);
    expect(desk.portfolio.day.date).toBe('2023-11-15');
  });
});
