import { add, subtract, zero, type Decimal } from '#core/market/decimal.ts';
import type { Order } from './order.ts';

type Market = Pick<Order, 'source' | 'symbol'>;

/**
 * Many open orders as a value that is cheap to change: a map that all versions share, and over it the few changes since,
 * undefined for an order that is gone. A change copies only those; past the root of the map's size they are merged.
 */
export class LayeredOrders implements ReadonlyMap<string, Order> {
  readonly size: number;
  #base: ReadonlyMap<string, Order>;
  #changes: ReadonlyMap<string, Order | undefined>;
  readonly #buys: ReadonlyMap<string, Decimal>;

  private constructor(
    base: ReadonlyMap<string, Order>,
    changes: ReadonlyMap<string, Order | undefined>,
    buys: ReadonlyMap<string, Decimal>,
    size: number,
  ) {
    this.#base = base;
    this.#changes = changes;
    this.#buys = buys;
    this.size = size;
  }

  static of(orders: ReadonlyMap<string, Order>): LayeredOrders {
    const buys = new Map<string, Decimal>();
    for (const order of orders.values()) count(buys, undefined, order);
    return new LayeredOrders(orders, new Map(), buys, orders.size);
  }

  with(order: Order): LayeredOrders {
    return this.#changed(order.id, order);
  }

  without(id: string): LayeredOrders {
    return this.has(id) ? this.#changed(id, undefined) : this;
  }

  /** Base quantity that the purchases of a market have still to buy. */
  buys(market: Market): Decimal {
    return this.#buys.get(keyOf(market)) ?? zero;
  }

  get(id: string): Order | undefined {
    return this.#changes.has(id) ? this.#changes.get(id) : this.#base.get(id);
  }

  has(id: string): boolean {
    return this.get(id) !== undefined;
  }

  forEach(visit: (order: Order, id: string, orders: ReadonlyMap<string, Order>) => void): void {
    for (const [id, order] of this) visit(order, id, this);
  }

  entries(): MapIterator<[string, Order]> {
    return this.#merged().entries();
  }

  keys(): MapIterator<string> {
    return this.#merged().keys();
  }

  values(): MapIterator<Order> {
    return this.#merged().values();
  }

  [Symbol.iterator](): MapIterator<[string, Order]> {
    return this.entries();
  }

  #changed(id: string, order: Order | undefined): LayeredOrders {
    const before = this.get(id);
    const buys = new Map(this.#buys);
    count(buys, before, order);
    if (this.#changes.size ** 2 > this.#base.size) this.#merged();
    const changes = new Map(this.#changes).set(id, order);
    const size = this.size + (order === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    return new LayeredOrders(this.#base, changes, buys, size);
  }

  /** The same orders in one map, from here on without changes over it. */
  #merged(): ReadonlyMap<string, Order> {
    if (this.#changes.size === 0) return this.#base;
    const merged = new Map(this.#base);
    for (const [id, order] of this.#changes)
      if (order === undefined) merged.delete(id);
      else merged.set(id, order);
    this.#base = merged;
    this.#changes = new Map();
    return merged;
  }
}

/** Counts an order's change among the purchases of its market. */
function count(buys: Map<string, Decimal>, before: Order | undefined, after: Order | undefined): void {
  const order = after ?? before;
  if (order?.side !== 'buy') return;
  const key = keyOf(order);
  const others = subtract(buys.get(key) ?? zero, remaining(before));
  const sum = add(others, remaining(after));
  if (sum === zero) buys.delete(key);
  else buys.set(key, sum);
}

function remaining(order: Order | undefined): Decimal {
  return order === undefined ? zero : subtract(order.quantity, order.filledQuantity);
}

function keyOf({ source, symbol }: Market): string {
  return `${source} ${symbol}`;
}
