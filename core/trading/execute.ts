import { zero } from '#core/market/decimal.ts';
import type { Surroundings, VenueStep } from './command.ts';
import { decided, isRefused, notOpen, refused, type Decided, type Decision } from './decision.ts';
import { fillFault, fillOrder } from './fill.ts';
import type { Order } from './order.ts';
import type { Portfolio } from './portfolio.ts';

/** The steps in their order; one that no longer fits, as its order was cancelled meanwhile, is left out. */
export function executeAll(
  portfolio: Portfolio,
  steps: readonly VenueStep[],
  around: Surroundings,
  atUs: number,
): Decided {
  const done = decided(portfolio, atUs);
  for (const step of steps) {
    const decision = executeStep(done.portfolio, step, around, atUs);
    if (isRefused(decision)) continue;
    done.events.push(...decision.events);
    done.portfolio = decision.portfolio;
  }
  return done;
}

/** What the venue did to an order, where that order is open and stands as the venue takes it to. */
export function executeStep(
  portfolio: Portfolio,
  step: VenueStep,
  around: Surroundings,
  atUs: number,
): Decision {
  const order = portfolio.orders.get(step.orderId);
  if (order === undefined) return notOpen(step.orderId);
  const fault = stepFault(order, step);
  if (fault !== undefined)
    return refused(
      'CONFLICT',
      `order ${order.id} ${fault}`,
      'Load the portfolio again and go on from how it stands.',
    );
  switch (step.kind) {
    case 'activate_order':
      return activated(portfolio, order, step, atUs);
    case 'trigger_order': {
      const { tradeId, price } = step;
      const triggered: Order = { ...order, status: 'open', activeAfterTradeId: tradeId };
      return decided(portfolio, atUs, { type: 'order_triggered', order: triggered, tradeId, price });
    }
    case 'fill_order':
      return fillOrder(portfolio, order, step, around.fees, atUs);
    case 'expire_order':
      return decided(portfolio, atUs, {
        type: 'order_expired',
        order: { ...order, status: 'expired', held: zero },
        released: order.held,
        reason: step.reason,
      });
  }
}

/** An order begins to be matched, or its place in the queue moves on. */
function activated(
  portfolio: Portfolio,
  order: Order,
  { activeAfterTradeId, queueAhead }: Extract<VenueStep, { kind: 'activate_order' }>,
  atUs: number,
): Decision {
  if (activeAfterTradeId === order.activeAfterTradeId && queueAhead === order.queueAhead)
    return decided(portfolio, atUs);
  const active: Order = { ...order, activeAfterTradeId, queueAhead };
  return decided(portfolio, atUs, { type: 'order_activated', order: active });
}

function stepFault(order: Order, step: VenueStep): string | undefined {
  switch (step.kind) {
    case 'activate_order':
      if (step.activeAfterTradeId < order.activeAfterTradeId || step.queueAhead < zero)
        return `is matched up to trade ${order.activeAfterTradeId}, past trade ${step.activeAfterTradeId}`;
      return undefined;
    case 'trigger_order':
      return triggerFault(order, step);
    case 'fill_order':
      return fillFault(order, step);
    case 'expire_order':
      return undefined;
  }
}

function triggerFault(
  { status, stopPrice, side, activeAfterTradeId }: Order,
  { tradeId, price }: Extract<VenueStep, { kind: 'trigger_order' }>,
): string | undefined {
  if (status !== 'pending' || stopPrice === undefined || activeAfterTradeId < 0)
    return 'does not wait for a stop price';
  if (tradeId <= activeAfterTradeId)
    return `is matched up to trade ${activeAfterTradeId}, past trade ${tradeId}`;
  if (side === 'buy' ? price < stopPrice : price > stopPrice) return 'has a stop price that was not reached';
  return undefined;
}
