import { units, type Decimal } from '#core/market/decimal.ts';
import type { Order } from './order.ts';

/** The orders that are not over, with this one as it is after an event: without it where it is over. */
export function withOrder(orders: ReadonlyMap<string, Order>, order: Order): ReadonlyMap<string, Order> {
  const changed = new Map(orders);
  if (isOver(order)) changed.delete(order.id);
  else changed.set(order.id, order);
  return changed;
}

export function withoutOrder(orders: ReadonlyMap<string, Order>, id: string): ReadonlyMap<string, Order> {
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
  { source, symbol }: { source: string; symbol: string },
): Decimal {
  let sum = 0n;
  for (const order of orders.values())
    if (order.side === 'buy' && order.symbol === symbol && order.source === source)
      sum += order.quantity - order.filledQuantity;
  return units(sum);
}
