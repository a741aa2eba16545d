import { add, subtract, zero, type Decimal } from '#core/market/decimal.ts';
import type { Order } from './order.ts';

type Market = Pick<Order, 'source' | 'symbol'>;

/** Orders as they are since the layer below, undefined for one that is gone. */
type Layer = ReadonlyMap<string, Order | undefined>;

/** Entries that a layer has at most before they go into the one below it: a change copies few, and seldom many. */
const layersMax = [16, 256, 4_096];
const noLayers: readonly Layer[] = layersMax.map(() => new Map());

/**
 * Many open orders as a value that is cheap to change: a map that all versions share, and over it layers of the changes
 * since, the newest in the smallest.
 */
export class LayeredOrders implements ReadonlyMap<string, Order> {
  readonly size: number;
  #base: ReadonlyMap<string, Order>;
  #layers: readonly Layer[];
  readonly #buys: ReadonlyMap<string, Decimal>;

  private constructor(
    base: ReadonlyMap<string, Order>,
    layers: readonly Layer[],
    buys: ReadonlyMap<string, Decimal>,
    size: number,
  ) {
    this.#base = base;
    this.#layers = layers;
    this.#buys = buys;
    this.size = size;
  }

  static of(orders: ReadonlyMap<string, Order>): LayeredOrders {
    const buys = new Map<string, Decimal>();
    for (const order of orders.values()) count(buys, undefined, order);
    return new LayeredOrders(orders, noLayers, buys, orders.size);
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
    for (const layer of this.#layers) {
      const order = layer.get(id);
      if (order !== undefined || layer.has(id)) return order;
    }
    return this.#base.get(id);
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
    const layers = [...this.#layers];
    const size = this.size + (order === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    let changes: Layer = new Map([[id, order]]);
    for (const [level, max] of layersMax.entries()) {
      changes = new Map([...(layers[level] ?? []), ...changes]);
      layers[level] = changes;
      if (changes.size <= max) return new LayeredOrders(this.#base, layers, buys, size);
      layers[level] = new Map();
    }
    return new LayeredOrders(over(this.#base, changes), layers, buys, size);
  }

  /** The same orders in one map, from here on without changes over it. */
  #merged(): ReadonlyMap<string, Order> {
    this.#base = this.#layers.toReversed().reduce(over, this.#base);
    this.#layers = noLayers;
    return this.#base;
  }
}

function over(base: ReadonlyMap<string, Order>, changes: Layer): ReadonlyMap<string, Order> {
  if (changes.size === 0) return base;
  const merged = new Map(base);
  for (const [id, order] of changes)
    if (order === undefined) merged.delete(id);
    else merged.set(id, order);
  return merged;
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
