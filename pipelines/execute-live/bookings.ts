import type { VenueFill, VenueOrder } from '#core/exchanges/order-venue.ts';
import { add, parseDecimal, type Decimal } from '#core/market/decimal.ts';
import type { LiveStep } from '#core/trading/live.ts';
import type { Order } from '#core/trading/order.ts';

/** What the venue said of the orders of one market. */
export interface Told {
  /** The first fill that is not booked. */
  nextFillId: number;
  /** From there on, ids ascending. */
  fills: readonly VenueFill[];
  /** Orders as the venue has them, by our id: those that are not known to be there yet, and those that ended. */
  orders: ReadonlyMap<string, VenueOrder>;
}

export interface Bookings {
  steps: LiveStep[];
  /** The first fill that is not booked by them. */
  nextFillId: number;
  /** Fills among those before it that are of no order of ours. */
  strangers: VenueFill[];
  /** Something is left for the next time: a fill whose order is not known yet, or an end whose fills are not shown yet. */
  isShort: boolean;
}

/** Fills of one transaction. */
const fillsMax = 200;

/**
 * What is booked of what the venue said, in its order: orders that it has, fills, ends. A fill of an order that is not known
 * here is a stranger's only where it is known of all orders that were sent what became of them: else it waits, and all after
 * it. An end is booked with the last fill before it. Pure.
 * @param orders the portfolio's open orders in this market, read after the venue was asked
 */
export function bookingsOf(orders: readonly Order[], { nextFillId, fills, orders: told }: Told): Bookings {
  const bookings: Bookings = { steps: [], nextFillId, strangers: [], isShort: false };
  const byVenueId = new Map<number, Order>();
  let areAllKnown = true;
  for (const order of orders) {
    if (order.live?.validUntilUs === undefined) continue;
    const found = told.get(order.id);
    const venueOrderId = order.live.venueOrderId ?? found?.venueOrderId;
    if (venueOrderId === undefined) {
      areAllKnown = false;
      continue;
    }
    byVenueId.set(venueOrderId, order);
    if (order.live.venueOrderId === undefined)
      bookings.steps.push({ kind: 'confirm_order', orderId: order.id, venueOrderId });
  }
  const filled = new Map(orders.map(({ id, filledQuantity }) => [id, filledQuantity]));
  bookFills(bookings, fills, { byVenueId, areAllKnown, filled });
  if (!bookings.isShort) bookEnds(bookings, orders, told, filled);
  return bookings;
}

interface Known {
  byVenueId: ReadonlyMap<number, Order>;
  areAllKnown: boolean;
  /** By order: what is booked as filled. */
  filled: Map<string, Decimal>;
}

function bookFills(bookings: Bookings, fills: readonly VenueFill[], known: Known): void {
  for (const [index, fill] of fills.entries()) {
    const order = known.byVenueId.get(fill.venueOrderId);
    if ((order === undefined && !known.areAllKnown) || index === fillsMax) {
      bookings.isShort = true;
      return;
    }
    bookings.nextFillId = fill.id + 1;
    if (order === undefined) {
      bookings.strangers.push(fill);
      continue;
    }
    const quantity = parseDecimal(fill.quantity);
    known.filled.set(order.id, add(known.filled.get(order.id) ?? order.filledQuantity, quantity));
    bookings.steps.push({
      ...{ kind: 'book_fill', orderId: order.id, fillId: fill.id, quantity },
      ...{ price: parseDecimal(fill.price), fee: parseDecimal(fill.fee), feeAsset: fill.feeAsset },
      ...{ liquidity: fill.liquidity, marketTimeUs: fill.timeUs },
    });
  }
}

function bookEnds(
  bookings: Bookings,
  orders: readonly Order[],
  told: Told['orders'],
  filled: ReadonlyMap<string, Decimal>,
): void {
  for (const { id, quantity } of orders) {
    const end = told.get(id);
    if (end === undefined || end.status === 'open' || end.status === 'partially_filled') continue;
    const filledQuantity = filled.get(id);
    if (filledQuantity !== parseDecimal(end.filledQuantity)) bookings.isShort = true;
    else if (filledQuantity < quantity)
      bookings.steps.push({
        ...{ kind: 'end_order', orderId: id, filledQuantity },
        as: end.status === 'canceled' ? 'canceled' : 'expired',
      });
  }
}
