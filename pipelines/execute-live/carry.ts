import type { OrderAnswer, OrderVenue } from '#core/exchanges/order-venue.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Need } from '#core/trading/live-need.ts';
import type { LiveStep } from '#core/trading/live.ts';
import type { Order } from '#core/trading/order.ts';
import type { Books } from './books.ts';
import { rejectCodeOf, venueRequest } from './venue-request.ts';

export interface CarryOptions {
  venue: OrderVenue;
  books: Books;
  /** How long the venue may take an order after it was marked. */
  sendWithinMs: number;
  signal: AbortSignal;
}

/**
 * Does what an order needs next, and books what is known then; true where its fills and its end are for the venue to tell now.
 * Whoever writes the mark sends, once; who finds it there asks what became of the order.
 * @throws EXCHANGE_UNREACHABLE where that cannot be known yet; and what booking throws
 */
export async function carry(
  order: Order,
  need: Exclude<Need, 'watch'>,
  options: CarryOptions,
): Promise<boolean> {
  switch (need) {
    case 'send':
      return await send(order, options);
    case 'settle':
      return await settle(order, options);
    case 'cancel':
      return await cancel(order, options);
  }
}

async function send(order: Order, options: CarryOptions): Promise<boolean> {
  const { venue, books, sendWithinMs, signal } = options;
  const { symbol } = order;
  if (!(await books.nextFillIds()).has(symbol)) {
    // What the account traded before is not the portfolio's.
    const newest = (await venue.fills({ symbol, limit: 1 }, signal)).at(-1);
    await books.startFills(symbol, newest === undefined ? 0 : newest.id + 1);
  }
  const validUntilUs = Math.floor(await venue.nowUs(signal)) + sendWithinMs * 1_000;
  const [marked] = await books.book([{ kind: 'send_order', orderId: order.id, validUntilUs }]);
  if (marked?.type !== 'order_sent') return false;
  return await note(order, await venue.place(venueRequest(order, validUntilUs), signal), options);
}

async function settle(order: Order, options: CarryOptions): Promise<boolean> {
  const { symbol, id: clientOrderId, live } = order;
  const validUntilUs = live?.validUntilUs ?? 0;
  const answer = await options.venue.settle({ symbol, clientOrderId, validUntilUs }, options.signal);
  return await note(order, answer, options);
}

/** What the venue answered about an order that was sent. */
async function note({ id }: Order, answer: OrderAnswer, { books }: CarryOptions): Promise<boolean> {
  switch (answer.kind) {
    case 'accepted': {
      const { venueOrderId } = answer.order;
      await books.book([{ kind: 'confirm_order', orderId: id, venueOrderId }]);
      return true;
    }
    case 'rejected':
      await books.book([refusal(id, answer)]);
      return false;
    case 'unknown':
      throw unanswered(`what became of order ${id} is not known: ${answer.reason}`);
  }
}

/** An order that the venue did not take. */
export function refusal(orderId: string, { code, message }: Rejected): LiveStep {
  return {
    kind: 'refuse_order',
    orderId,
    code: rejectCodeOf(code),
    detail: `The exchange says ${code}: ${message}`,
  };
}

type Rejected = Extract<OrderAnswer, { kind: 'rejected' }>;

/** The end is booked as the venue tells it, with the fills before it. */
async function cancel(order: Order, { venue, signal }: CarryOptions): Promise<boolean> {
  const answer = await venue.cancel({ symbol: order.symbol, clientOrderId: order.id }, signal);
  if (answer.kind === 'accepted' || (answer.kind === 'rejected' && answer.code === 'NOT_OPEN')) return true;
  if (answer.kind === 'unknown') throw unanswered(`order ${order.id} may not be cancelled: ${answer.reason}`);
  throw new TicklakeError('EXCHANGE_REFUSED', `order ${order.id} is not cancelled: ${answer.message}`, {
    remedy: 'It is tried again; check the key and its rights.',
  });
}

function unanswered(message: string): TicklakeError {
  return new TicklakeError('EXCHANGE_UNREACHABLE', message, {
    remedy: 'It is asked again; check the network and the exchange’s status page.',
  });
}
