import { add, subtract, zero, type Decimal } from '#core/market/decimal.ts';
import { LayeredOrders } from './layered-orders.ts';
import type { Order } from './order.ts';

/** Up to so many orders a plain map is copied for each change; beyond that it would be most of a decision's time. */
const plainMax = 32;

/** The orders that are not over, with this one as it is after an event: without it where it is over. */
export function withOrder(orders: ReadonlyMap<string, Order>, order: Order): ReadonlyMap<string, Order> {
  if (isOver(order)) return withoutOrder(orders, order.id);
  if (orders.size >= plainMax) return layered(orders).with(order);
  return new Map(orders).set(order.id, order);
}

export function withoutOrder(orders: ReadonlyMap<string, Order>, id: string): ReadonlyMap<string, Order> {
  if (orders.size > plainMax) return layered(orders).without(id);
  const changed = new Map(orders);
  changed.delete(id);
  return changed;
}

export function isOver(order: Order): boolean {
  return order.status !== 'pending' && order.status !== 'open' && order.status !== 'partially_filled';
}

/** Base quantity that the open purchases of a symbol have still to buy. */
export function openBuys(
  orders: ReadonlyMap<string, Order>,
  market: { source: string; symbol: string },
): Decimal {
  if (orders instanceof LayeredOrders) return orders.buys(market);
  let sum = zero;
  for (const { side, source, symbol, quantity, filledQuantity } of orders.values())
    if (side === 'buy' && symbol === market.symbol && source === market.source)
      sum = add(sum, subtract(quantity, filledQuantity));
  return sum;
}

function layered(orders: ReadonlyMap<string, Order>): LayeredOrders {
  return orders instanceof LayeredOrders ? orders : LayeredOrders.of(orders);
}
