import fc from 'fast-check';
import { expect, it } from 'vitest';
import { units } from '#core/market/decimal.ts';
import { LayeredOrders } from '#core/trading/layered-orders.ts';
import { openBuys, withOrder, withoutOrder } from '#core/trading/open-orders.ts';
import type { Order } from '#core/trading/order.ts';
import { Desk } from './pure.ts';

const btc = { source: 'binance', symbol: 'BTCUSDT' };
const pattern = new Desk().opens();

function order(id: number, quantity: number, changes: Partial<Order> = {}): Order {
  return { ...pattern, id: `o${id}`, quantity: units(BigInt(quantity)), ...changes };
}

const change = fc.record({
  id: fc.nat({ max: 150 }),
  quantity: fc.integer({ min: 1, max: 100 }),
  side: fc.constantFrom('buy', 'sell'),
  symbol: fc.constantFrom('BTCUSDT', 'ETHUSDT'),
  status: fc.constantFrom('open', 'open', 'open', 'canceled'),
});

it('any changes come to what a map comes to, and every version stays as it was', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400, size: 'max' }), (changes) => {
      let orders: ReadonlyMap<string, Order> = new Map();
      const model = new Map<string, Order>();
      const versions: [ReadonlyMap<string, Order>, Order[]][] = [];
      for (const { id, quantity, ...rest } of changes) {
        // An order keeps its side and its market for life.
        const { side, symbol } = model.get(`o${id}`) ?? rest;
        const changed = order(id, quantity, { ...rest, side, symbol });
        orders = withOrder(orders, changed);
        if (rest.status === 'canceled') model.delete(changed.id);
        else model.set(changed.id, changed);
        versions.push([orders, [...model.values()]]);
      }
      for (const [version, expected] of versions) {
        expect(version.size).toBe(expected.length);
        expect(new Set(version.values())).toEqual(new Set(expected));
        const buys = expected.filter(({ side, symbol }) => side === 'buy' && symbol === 'BTCUSDT');
        expect(openBuys(version, btc)).toBe(buys.reduce((sum, { quantity }) => sum + quantity, 0n));
      }
      for (const id of ['o1', 'o2', 'none']) expect(orders.get(id)).toEqual(model.get(id));
    }),
    { numRuns: 60 },
  );
});

it('many orders are read as a map is', () => {
  let orders: ReadonlyMap<string, Order> = new Map();
  for (let id = 0; id < 100; id += 1) orders = withOrder(orders, order(id, 1));
  expect(orders).toBeInstanceOf(LayeredOrders);
  const fewer = withoutOrder(withoutOrder(orders, 'o7'), 'none');
  expect(fewer.size).toBe(99);
  expect([fewer.has('o7'), orders.has('o7')]).toEqual([false, true]);
  expect([...fewer.keys()]).toEqual([...fewer].map(([id]) => id));
  const visited: string[] = [];
  fewer.forEach((each, id) => visited.push(each.id === id ? id : 'wrong'));
  expect(visited).toEqual([...fewer.keys()]);
});

it('thousands of orders, many of them gone again, are what a map holds', () => {
  let orders: ReadonlyMap<string, Order> = new Map();
  const model = new Map<string, Order>();
  for (let id = 0; id < 12_000; id += 1) {
    const placed = order(id, 1);
    orders = withOrder(orders, placed);
    model.set(placed.id, placed);
    if (id % 3 !== 0) continue;
    const gone = `o${Math.floor(id / 2)}`;
    orders = withoutOrder(orders, gone);
    model.delete(gone);
  }
  expect(orders.size).toBe(model.size);
  for (let id = 0; id < 12_000; id += 1) expect(orders.get(`o${id}`)).toBe(model.get(`o${id}`));
  expect([...orders.keys()]).toEqual([...model.keys()]);
});
