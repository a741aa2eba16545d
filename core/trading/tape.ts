import { smaller, subtract, zero, larger, type Decimal } from '#core/market/decimal.ts';
import type { VenueStep } from './command.ts';
import type { Order, Side } from './order.ts';

/** A trade of the venue's public tape. */
export interface TapeTrade {
  tradeId: number;
  price: Decimal;
  /** Base quantity. */
  quantity: Decimal;
  /** The taker's. */
  side: Side;
  timeUs: number;
}

/** Does a trade trigger a waiting stop order, or come to a resting order's price? Only later ones than it is matched up to. */
export function reaches(trade: TapeTrade, order: Order): boolean {
  const { activeAfterTradeId, status, side, price } = order;
  if (activeAfterTradeId < 0 || trade.tradeId <= activeAfterTradeId) return false;
  if (status === 'pending') return isTriggered(order, trade.price);
  return price !== undefined && (side === 'buy' ? trade.price <= price : trade.price >= price);
}

/** Does a price reach an order's stop price? */
export function isTriggered({ side, stopPrice }: Order, price: Decimal): boolean {
  return stopPrice !== undefined && (side === 'buy' ? price >= stopPrice : price <= stopPrice);
}

/**
 * How resting orders that a trade reaches share its volume. Each sees what those before it left: where the trade is at
 * its own price, what stood before it takes of that first; where the trade is beyond, nothing stands before it any more.
 */
export function sharesOf(trade: TapeTrade, orders: readonly Order[]): VenueStep[] {
  const steps: VenueStep[] = [];
  let left = trade.quantity;
  for (const order of orders.toSorted((a, b) => byMaker(trade, a, b))) {
    const queue = trade.price === order.price ? order.queueAhead : zero;
    const queueAhead = larger(subtract(queue, left), zero);
    const reach = larger(subtract(left, queue), zero);
    const quantity = smaller(reach, subtract(order.quantity, order.filledQuantity));
    if (quantity > zero) {
      steps.push(filled(order, trade, quantity, queueAhead));
      left = subtract(left, quantity);
    } else if (queueAhead !== order.queueAhead) {
      const { tradeId: activeAfterTradeId } = trade;
      steps.push({ kind: 'activate_order', orderId: order.id, activeAfterTradeId, queueAhead });
    }
  }
  return steps;
}

/** First placed, first served. */
export function byTime(a: Order, b: Order): number {
  return a.placedAtUs - b.placedAtUs || (a.id < b.id ? -1 : 1);
}

/** The side that the taker met comes first, then the better price, then the earlier order. */
function byMaker(trade: TapeTrade, a: Order, b: Order): number {
  if (a.side !== b.side) return a.side === trade.side ? 1 : -1;
  const [one, other] = [a.price ?? zero, b.price ?? zero];
  if (one !== other) return one > other === (a.side === 'buy') ? -1 : 1;
  return byTime(a, b);
}

function filled(order: Order, trade: TapeTrade, quantity: Decimal, queueAhead: Decimal): VenueStep {
  return {
    kind: 'fill_order',
    orderId: order.id,
    tradeId: trade.tradeId,
    quantity,
    price: order.price ?? trade.price,
    liquidity: 'maker',
    queueAhead,
    marketTimeUs: trade.timeUs,
  };
}
