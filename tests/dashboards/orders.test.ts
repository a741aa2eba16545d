import { describe, expect, it } from 'vitest';
import type { MarketRules, Portfolio } from '#api/client/index.ts';
import { amount, signed } from '../../dashboards/web/src/format.ts';
import { entryFaults, orderOf, type Entry } from '../../dashboards/web/src/orders/entry.ts';
import { estimateOf, quantityFor } from '../../dashboards/web/src/orders/sums.ts';
import { pacedMs } from '../../dashboards/web/src/state/pace.ts';
import { liveHoldings, liveWorth, movedOf } from '../../dashboards/web/src/state/worth.ts';

const rules: MarketRules = {
  ...{ symbol: 'BTCUSDT', source: 'simulator:42', base: 'BTC', quote: 'USDT', isTrading: true },
  ...{ tickSize: '0.01', stepSize: '0.00001', minNotional: '5', makerFee: '0.001', takerFee: '0.001' },
};
const of = { portfolioId: '7c1b6a52-3a43-4f0c-8b61-0a3d2f4e5b66', symbol: 'BTCUSDT', source: 'simulator:42' };

function entry(change: Partial<Entry>): Entry {
  return {
    ...{ side: 'buy', type: 'market', quantity: '0.01', price: '', stopPrice: '' },
    ...{ timeInForce: 'GTC', postOnly: false },
    ...change,
  };
}

describe('an entry', () => {
  it('is the order that was typed, to the digit', () => {
    const long = '0.100000000000000001';
    expect(orderOf(entry({ quantity: ` ${long} ` }), of)).toEqual({
      ...of,
      ...{ side: 'buy', type: 'market', quantity: long },
    });
    const stopLimit = entry({
      type: 'stop_limit',
      price: '59000.10',
      stopPrice: '59500',
      timeInForce: 'IOC',
    });
    expect(orderOf(stopLimit, of)).toEqual({
      ...{ ...of, side: 'buy', type: 'stop_limit', quantity: '0.01', price: '59000.10', stopPrice: '59500' },
      ...{ timeInForce: 'IOC', postOnly: false },
    });
  });

  it('leaves out what its type has not, whatever was typed before', () => {
    const order = orderOf(entry({ price: '1', stopPrice: '2', postOnly: true, timeInForce: 'FOK' }), of);
    expect(Object.keys(order).toSorted()).toEqual(
      ['portfolioId', 'quantity', 'side', 'source', 'symbol', 'type'].toSorted(),
    );
  });

  it.each([
    ['', 'Enter an amount.'],
    ['0,5', 'Enter digits with a point, such as 0.25.'],
    ['1e3', 'Enter digits with a point, such as 0.25.'],
    ['-1', 'Enter an amount above 0.'],
    ['0', 'Enter an amount above 0.'],
    ['0.000001', 'Enter a multiple of 0.00001.'],
    ['0.00001', undefined],
  ])('with the quantity %j is told: %s', (quantity, fault) => {
    expect(entryFaults(entry({ quantity }), rules)).toEqual(fault === undefined ? {} : { quantity: fault });
  });

  it('is asked for the prices of its type alone', () => {
    expect(Object.keys(entryFaults(entry({ type: 'stop_limit' }), rules))).toEqual(['stopPrice', 'price']);
    expect(Object.keys(entryFaults(entry({ type: 'stop_loss' }), rules))).toEqual(['stopPrice']);
    expect(entryFaults(entry({ type: 'limit', price: '60000.001' }), rules)).toEqual({
      price: 'Enter a multiple of 0.01.',
    });
  });
});

describe('sums', () => {
  it('are by the limit, else by the stop, else by the last price', () => {
    expect(estimateOf(entry({}), '60000', rules)).toEqual({ amount: '600', fee: '0.6' });
    expect(estimateOf(entry({ type: 'limit', price: '50000' }), '60000', rules)?.amount).toBe('500');
    expect(estimateOf(entry({ type: 'stop_loss', stopPrice: '61000' }), '60000', rules)?.amount).toBe('610');
    expect(estimateOf(entry({ quantity: 'much' }), '60000', rules)).toBeUndefined();
  });

  it('of a share leave room for the fee and for what a purchase without a price reserves', () => {
    const means = { available: '10000', last: '60000', rules, priceCollar: '0.2' };
    expect(quantityFor(100, entry({ type: 'limit', price: '50000' }), means)).toBe('0.1998');
    expect(quantityFor(50, entry({ type: 'limit', price: '50000' }), means)).toBe('0.0999');
    // 10,000 / (60,000 × 1.2 × 1.001), on the steps.
    expect(quantityFor(100, entry({}), means)).toBe('0.13875');
    expect(quantityFor(25, entry({ side: 'sell' }), { ...means, available: '0.3' })).toBe('0.075');
    expect(quantityFor(100, entry({ type: 'limit', price: '' }), means)).toBeUndefined();
  });
});

const portfolio: Portfolio = {
  ...{ id: of.portfolioId, name: 'Test', execution: 'paper', createdAt: '2026-03-01T00:00:00.000000Z' },
  eventNumber: 3,
  ...{ riskState: 'active', cancelAfter: null, openOrders: 0 },
  balances: [],
  holdings: [
    {
      ...{ asset: 'BTC', quote: 'USDT', quantity: '0.01', costBasis: '600.6', averageCost: '60060' },
      ...{ lastPrice: '60000', marketValue: '600', unrealizedProfit: '-0.6' },
      ...{ realizedProfit: '1.5', realizedProfitFifo: '1.5' },
    },
    {
      ...{ asset: 'ETH', quote: 'USDT', quantity: '0', costBasis: '0', averageCost: '0' },
      ...{ lastPrice: null, marketValue: null, unrealizedProfit: null },
      ...{ realizedProfit: '2', realizedProfitFifo: '2' },
    },
  ],
  value: { asset: 'USDT', total: '9999', unrealizedProfit: '-0.6', realizedProfit: '3.5', unpriced: [] },
};

describe('worth', () => {
  const balances = [
    { asset: 'BTC', total: '0.01', available: '0.01', held: '0' },
    { asset: 'DOGE', total: '5', available: '5', held: '0' },
    { asset: 'USDT', total: '9399.4', available: '9399.4', held: '0' },
  ];

  it('follows the newest price', () => {
    const at = (price: string) =>
      liveWorth(portfolio, balances, (asset) => (asset === 'BTC' ? price : undefined));
    expect(at('61000')).toEqual({
      ...{ asset: 'USDT', total: '10009.4', unrealized: '9.4', realized: '3.5', unpriced: ['DOGE'] },
    });
    expect(at('59000')).toMatchObject({ total: '9989.4', unrealized: '-10.6' });
  });

  it('of holdings is by the last known price until there is a newer one', () => {
    const [btc, ...others] = liveHoldings(portfolio, () => undefined);
    expect(others).toEqual([]);
    expect(btc).toMatchObject({ price: '60000', value: '600', profit: '-0.6' });
    expect(btc?.percent).toBeCloseTo(-0.0999, 4);
  });

  it('is moved by what a transaction did to the portfolio itself', () => {
    const entries = [
      { asset: 'USDT', account: 'held' as const, amount: '-720.72' },
      { asset: 'USDT', account: 'available' as const, amount: '120.12' },
      { asset: 'USDT', account: 'market' as const, amount: '600' },
      { asset: 'USDT', account: 'fees' as const, amount: '0.6' },
      { asset: 'BTC', account: 'available' as const, amount: '0.01' },
      { asset: 'BTC', account: 'market' as const, amount: '-0.01' },
    ];
    expect(movedOf(entries)).toEqual([
      { asset: 'USDT', sum: '-600.6' },
      { asset: 'BTC', sum: '0.01' },
    ]);
  });

  it('is shown with the places of its asset', () => {
    expect(amount('1234567.891', 'USDT')).toBe('1,234,567.89');
    expect(amount('1000', 'USDT')).toBe('1,000.00');
    expect(amount('0.0100000001234', 'BTC')).toBe('0.01');
    expect(amount('1234', 'BTC')).toBe('1,234');
    expect([signed('9.4', 'USDT'), signed('-9.4', 'USDT'), signed('0.001', 'USDT')]).toEqual([
      ...['+9.40', '−9.40', '0.00'],
    ]);
  });
});

describe('the pace of reading', () => {
  it('is as asked for while there is plenty', () => {
    const plenty = { limit: 600_000, remaining: 599_000, resetAtMs: 60_000 };
    expect(pacedMs(5_000, 1, undefined, 0)).toBe(5_000);
    expect(pacedMs(5_000, 3, plenty, 0)).toBe(5_000);
  });

  it('leaves a person enough of the hundred requests that a quarter of an hour has', () => {
    let remaining = 100;
    const readings = [
      { atMs: 0, everyMs: 5_000, requests: 1 },
      { atMs: 0, everyMs: 4_000, requests: 3 },
    ];
    for (;;) {
      const [next] = readings.toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs >= 900_000) break;
      remaining -= next.requests;
      const allowance = { limit: 100, remaining, resetAtMs: 900_000 };
      next.atMs += pacedMs(next.everyMs, next.requests, allowance, next.atMs);
    }
    expect(remaining).toBeGreaterThanOrEqual(25);
  });

  it('waits until there are more where none are left', () => {
    expect(pacedMs(5_000, 1, { limit: 100, remaining: 0, resetAtMs: 90_000 }, 30_000)).toBe(60_000);
  });
});
