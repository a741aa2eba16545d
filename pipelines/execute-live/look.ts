import type { OrderVenue, VenueOrder } from '#core/exchanges/order-venue.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { VenueDifference } from '#core/trading/live.ts';
import { isOver } from '#core/trading/open-orders.ts';
import type { Order } from '#core/trading/order.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import { bookingsOf, type Told } from './bookings.ts';
import type { Books } from './books.ts';
import { strangerFill, unbookable } from './differences.ts';

export interface LookOptions {
  venue: OrderVenue;
  books: Books;
  report: (difference: VenueDifference) => Promise<void>;
  signal: AbortSignal;
}

/** Ends that are asked for in one look. */
const endsMax = 20;

/**
 * Books what the venue tells of a market's orders: fills from the first that is not booked, and ends once their fills are.
 * True where something was not told whole yet.
 */
export async function lookAt(
  symbol: string,
  { venue, books, report, signal }: LookOptions,
): Promise<boolean> {
  const nextFillId = (await books.nextFillIds()).get(symbol);
  if (nextFillId === undefined) return false;
  const before = liveOrders(await books.portfolio(), symbol).filter(isAtVenue);
  const open = await venue.openOrders(symbol, signal);
  const fills = await venue.fills({ symbol, fromId: nextFillId }, signal);
  const openIds = new Set(open.map(({ clientOrderId }) => clientOrderId));
  const gone = before.filter(({ id }) => !openIds.has(id));
  const ended = new Map<string, VenueOrder>();
  for (const { id: clientOrderId } of gone.slice(0, endsMax)) {
    const order = await venue.order({ symbol, clientOrderId }, signal);
    if (order !== undefined) ended.set(clientOrderId, order);
  }
  // Read last: an order whose fill was told had been marked before.
  const orders = liveOrders(await books.portfolio(), symbol);
  const isWhole = await bookTold(symbol, orders, { nextFillId, fills, orders: ended }, { books, report });
  return !isWhole || gone.length > ended.size;
}

/** Books what was told of a market's orders; true where all of it could be. */
export async function bookTold(
  symbol: string,
  orders: readonly Order[],
  told: Told,
  { books, report }: Pick<LookOptions, 'books' | 'report'>,
): Promise<boolean> {
  const bookings = bookingsOf(orders, told);
  for (const fill of bookings.strangers) await report(strangerFill(fill));
  try {
    await books.bookFills(symbol, told.nextFillId, bookings);
  } catch (error) {
    if (!isTicklakeError(error, 'CONFLICT')) throw error;
    await report(unbookable(symbol, told.nextFillId, error));
    return false;
  }
  return !bookings.isShort;
}

/** A portfolio's orders in a market that go to its venue. */
export function liveOrders({ orders }: Portfolio, symbol?: string): Order[] {
  return [...orders.values()].filter(
    (order) => order.live !== undefined && !isOver(order) && order.symbol === (symbol ?? order.symbol),
  );
}

/** Whether its venue is known to have taken it. */
export function isAtVenue({ live }: Order): boolean {
  return live?.venueOrderId !== undefined;
}
