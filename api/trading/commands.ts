import { randomUUID } from 'node:crypto';
import type { Decimal } from '#core/market/decimal.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Command } from '#core/trading/command.ts';
import type { Once } from '#core/trading/once.ts';
import { readOrder } from '#core/trading/read.ts';
import type { Submitted } from '#core/trading/writer.ts';
import type { Asker } from '../rights.ts';
import type * as schemas from '../schemas/orders.ts';
import { nowUs, once, orderRequest } from './input.ts';
import type { Trading } from './open.ts';
import { placedOrder, shownOrder } from './shown.ts';

/**
 * Places an order once for its key and its client order id, whichever way it was asked for.
 * @throws NOT_FOUND, BAD_REQUEST, IDEMPOTENCY_CONFLICT, OVERLOADED; UNAVAILABLE while prices are not known
 */
export async function placeOrder(
  { writer, markets, owners, defaultSource, pricesAreKnown }: Trading,
  asker: Asker,
  body: schemas.NewOrder,
  key: string | undefined,
): Promise<{ order: schemas.Order; isReplay: boolean }> {
  const { portfolioId } = body;
  await owners.checkPortfolio(asker, portfolioId);
  await owners.checkExecution(asker, portfolioId);
  const request = orderRequest(body, defaultSource);
  if (markets.view(request.source, request.symbol) === undefined) await markets.refresh();
  // That there is no price would be kept as the answer for ever.
  if (markets.view(request.source, request.symbol)?.last === undefined && !pricesAreKnown()) {
    throw new TicklakeError('UNAVAILABLE', 'the newest prices have not been read from the log yet', {
      remedy: 'Ask again, with the same key.',
    });
  }
  const { events, isReplay } = await writer.submit(
    { kind: 'place_order', portfolioId, atUs: nowUs(), orderId: randomUUID(), request },
    once(key, 'place_order', request),
  );
  const order = placedOrder(portfolioId, events);
  if (order === undefined) throw new TicklakeError('INTERNAL', 'a placement has no answer');
  return { order, isReplay };
}

/** Cancels an open order. @throws NOT_FOUND; ORDER_OVER where it is not open any longer */
export async function cancelOrder(
  trading: Trading,
  asker: Asker,
  orderId: string,
  key: string | undefined,
): Promise<schemas.Order> {
  const portfolioId = await trading.owners.portfolioOfOrder(asker, orderId);
  const command = { kind: 'cancel_order', portfolioId, atUs: nowUs(), orderId, reason: 'requested' } as const;
  return await change(trading, command, once(key, 'cancel_order', { orderId }));
}

/**
 * Changes an open order's quantity or prices.
 * @throws NOT_FOUND; ORDER_OVER where it is not open any longer; BAD_REQUEST for what would not be accepted as an order
 */
export async function amendOrder(
  trading: Trading,
  asker: Asker,
  orderId: string,
  amounts: Partial<Record<'quantity' | 'price' | 'stopPrice', Decimal>>,
  key: string | undefined,
): Promise<schemas.Order> {
  const portfolioId = await trading.owners.portfolioOfOrder(asker, orderId);
  const asked = { orderId, ...amounts };
  const command = { kind: 'amend_order', portfolioId, atUs: nowUs(), ...asked } as const;
  return await change(trading, command, once(key, 'amend_order', asked));
}

type Change = Extract<Command, { kind: 'cancel_order' | 'amend_order' }>;

async function change(
  { writer, database }: Trading,
  command: Change,
  keys: Once | undefined,
): Promise<schemas.Order> {
  try {
    return changedOrder(command, await writer.submit(command, keys));
  } catch (error) {
    // There is such an order, so that it is over: the engine knows of those that are open.
    if (!isTicklakeError(error, 'NOT_FOUND')) throw error;
    const stored = await readOrder(database, command.orderId);
    if (stored === undefined) throw error;
    const { id, status } = stored.order;
    throw new TicklakeError('ORDER_OVER', `order ${id} is over: it is ${status}`, {
      cause: error,
      remedy: 'Place another order; GET /v1/orders/ID/events says how this one ended.',
    });
  }
}

/** The order as a change of it has left it: as it stood where there was nothing more to do, as its end was asked for before. */
function changedOrder({ portfolioId, orderId }: Change, { events, portfolio }: Submitted): schemas.Order {
  const event = events.findLast((candidate) => 'order' in candidate && candidate.order.id === orderId);
  const order = event !== undefined && 'order' in event ? event.order : portfolio.orders.get(orderId);
  if (order === undefined) throw new TicklakeError('INTERNAL', 'a change of an order has no answer');
  return shownOrder(portfolioId, order);
}
