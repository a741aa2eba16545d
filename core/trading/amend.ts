import { subtract, zero } from '#core/market/decimal.ts';
import type { Command, Surroundings } from './command.ts';
import { decided, notOpen, refused, type Decision } from './decision.ts';
import { withoutOrder } from './open-orders.ts';
import type { Order, OrderRequest } from './order.ts';
import { reserved } from './place.ts';
import type { Portfolio } from './portfolio.ts';
import { haltFault, riskFigures } from './risk.ts';

/**
 * Changes a resting order's quantity or prices, by the checks of a placement over what is left of it. It keeps its place
 * in the queue where it only becomes smaller; else the venue has to activate it again.
 */
export function amendOrder(
  portfolio: Portfolio,
  command: Extract<Command, { kind: 'amend_order' }>,
  around: Surroundings,
): Decision {
  const order = portfolio.orders.get(command.orderId);
  if (order === undefined) return notOpen(command.orderId);
  if (order.live !== undefined)
    return refused(
      'BAD_REQUEST',
      'an order that a venue executes cannot be amended',
      'Cancel it, and place another once it is over.',
    );
  const amended: Order = {
    ...order,
    quantity: command.quantity ?? order.quantity,
    ...(command.price !== undefined && { price: command.price }),
    ...(command.stopPrice !== undefined && { stopPrice: command.stopPrice }),
  };
  if (amended.quantity <= order.filledQuantity)
    return refused(
      'BAD_REQUEST',
      'the quantity is not above what is filled already',
      'Cancel the order instead.',
    );
  const isTriggered = order.stopPrice !== undefined && order.status !== 'pending';
  if (isTriggered && command.stopPrice !== undefined)
    return refused('BAD_REQUEST', 'the stop price was reached already', 'Amend the price or the quantity.');
  const rest = isTriggered ? asTriggered(remainder(amended)) : remainder(amended);
  const others = { ...portfolio, orders: withoutOrder(portfolio.orders, order.id) };
  const figures = riskFigures(others, rest, around, command.atUs);
  const outcome = haltFault(figures) ?? reserved(others, rest, around, figures, order.held);
  if ('code' in outcome) {
    const message = `the amended order would be rejected: ${outcome.detail}`;
    const { refused: refusal } = refused('BAD_REQUEST', message, 'Amend it otherwise; it stands as it was.');
    return { refused: { ...refusal, rejectCode: outcome.code } };
  }
  const keepsPlace =
    amended.quantity <= order.quantity &&
    amended.price === order.price &&
    amended.stopPrice === order.stopPrice;
  return decided(portfolio, command.atUs, {
    type: 'order_amended',
    order: {
      ...amended,
      held: outcome.held,
      ...(!keepsPlace && { activeAfterTradeId: -1, queueAhead: zero }),
    },
    heldBefore: order.held,
  });
}

function remainder(order: Order): OrderRequest {
  return { ...order, quantity: subtract(order.quantity, order.filledQuantity) };
}

/** What a stop order is once its price was reached. */
function asTriggered(request: OrderRequest): OrderRequest {
  const triggered = { ...request, type: request.price === undefined ? 'market' : 'limit' } as const;
  const { stopPrice, ...rest } = triggered;
  return stopPrice === undefined ? triggered : rest;
}
