import { randomUUID } from 'node:crypto';
import { TicklakeError } from '#core/platform/errors.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import type { Asker } from '../rights.ts';
import type * as schemas from '../schemas/orders.ts';
import { nowUs, once, orderRequest } from './input.ts';
import type { Trading } from './open.ts';
import { placedOrder, shownOrder } from './shown.ts';

/**
 * Places an order once for its key and its client order id, whichever way it was asked for.
 * @throws NOT_FOUND, BAD_REQUEST, IDEMPOTENCY_CONFLICT, OVERLOADED
 */
export async function placeOrder(
  { writer, markets, owners, defaultSource }: Trading,
  asker: Asker,
  body: schemas.NewOrder,
  key: string | undefined,
): Promise<{ order: schemas.Order; isReplay: boolean }> {
  const { portfolioId } = body;
  await owners.checkPortfolio(asker, portfolioId);
  const request = orderRequest(body, defaultSource);
  if (markets.view(request.source, request.symbol) === undefined) await markets.refresh();
  const { events, isReplay } = await writer.submit(
    { kind: 'place_order', portfolioId, atUs: nowUs(), orderId: randomUUID(), request },
    once(key, 'place_order', request),
  );
  const order = placedOrder(portfolioId, events);
  if (order === undefined) throw new TicklakeError('INTERNAL', 'a placement has no answer');
  return { order, isReplay };
}

/** Cancels an open order. @throws NOT_FOUND, also where it is not open any longer */
export async function cancelOrder(
  { writer, owners }: Trading,
  asker: Asker,
  orderId: string,
  key: string | undefined,
): Promise<schemas.Order> {
  const portfolioId = await owners.portfolioOfOrder(asker, orderId);
  const { events } = await writer.submit(
    { kind: 'cancel_order', portfolioId, atUs: nowUs(), orderId, reason: 'requested' },
    once(key, 'cancel_order', { orderId }),
  );
  return changedOrder(portfolioId, events, 'order_canceled');
}

/** The order as a change of it has left it. */
export function changedOrder(
  portfolioId: string,
  events: readonly NumberedEvent[],
  type: 'order_amended' | 'order_canceled',
): schemas.Order {
  const event = events.find((candidate) => candidate.type === type);
  if (event === undefined || !('order' in event)) {
    throw new TicklakeError('INTERNAL', 'a change of an order has no answer');
  }
  return shownOrder(portfolioId, event.order);
}
