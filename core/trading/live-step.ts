import { zero } from '#core/market/decimal.ts';
import { canceled } from './cancel.ts';
import type { Command, Surroundings } from './command.ts';
import { decided, isRefused, notOpen, refused, type Decided, type Decision } from './decision.ts';
import { fillLive, liveFillFault } from './live-fill.ts';
import { isHalting, type LiveStep } from './live.ts';
import type { ExpiryReason, LiveOrder, Order } from './order.ts';
import type { Portfolio } from './portfolio.ts';
import { stricter } from './risk.ts';

/** Books the steps in their order; one that does not fit refuses them all, as what follows would be booked wrong. */
export function executeLive(
  portfolio: Portfolio,
  steps: readonly LiveStep[],
  around: Surroundings,
  atUs: number,
): Decision {
  const done = decided(portfolio, atUs);
  for (const step of steps) {
    const decision = liveStep(done.portfolio, step, around, atUs);
    if (isRefused(decision)) return decision;
    done.events.push(...decision.events);
    done.portfolio = decision.portfolio;
  }
  return done;
}

/** Notes how the venue and the books differ, and takes no more orders where somebody has to look first. */
export function reportDifference(
  portfolio: Portfolio,
  { difference, atUs }: Extract<Command, { kind: 'report_difference' }>,
): Decided {
  const told = { type: 'venue_differs', difference } as const;
  if (!isHalting(difference) || portfolio.risk === 'halted') return decided(portfolio, atUs, told);
  const halted = {
    type: 'risk_set',
    risk: 'halted',
    by: 'venue_reconciliation',
    reason: difference.cause,
  } as const;
  return decided(portfolio, atUs, told, halted);
}

function liveStep(portfolio: Portfolio, step: LiveStep, around: Surroundings, atUs: number): Decision {
  const order = portfolio.orders.get(step.orderId);
  if (order === undefined) return notOpen(step.orderId);
  const { live } = order;
  if (live === undefined) return conflict(order, 'is executed on paper');
  switch (step.kind) {
    case 'send_order': {
      if (live.validUntilUs !== undefined) return conflict(order, 'was sent before');
      // What was accepted before a halt and is still here does not leave any more.
      if (stricter(portfolio.risk, around.globalRisk) === 'halted')
        return decided(portfolio, atUs, canceled(order, 'kill_switch'));
      const { validUntilUs } = step;
      return decided(portfolio, atUs, {
        type: 'order_sent',
        order: withLive(order, { ...live, validUntilUs }),
      });
    }
    case 'confirm_order': {
      const { venueOrderId } = step;
      if (live.venueOrderId === venueOrderId) return decided(portfolio, atUs);
      if (live.validUntilUs === undefined || live.venueOrderId !== undefined)
        return conflict(order, `is not the venue's order ${venueOrderId}`);
      return decided(portfolio, atUs, {
        type: 'order_activated',
        order: withLive(order, { ...live, venueOrderId }),
      });
    }
    case 'refuse_order': {
      if (live.validUntilUs === undefined || live.venueOrderId !== undefined)
        return conflict(order, 'is not waiting for the answer of its venue');
      const { code, detail } = step;
      const over: Order = { ...order, status: 'rejected', held: zero };
      return decided(portfolio, atUs, {
        type: 'order_refused',
        order: over,
        released: order.held,
        code,
        detail,
      });
    }
    case 'book_fill': {
      const fault = liveFillFault(order, step);
      return fault === undefined ? fillLive(portfolio, order, step, atUs) : conflict(order, fault);
    }
    case 'end_order':
      return ended(portfolio, order, live, step, atUs);
  }
}

/** An end is believed once all fills before it are booked. */
function ended(
  portfolio: Portfolio,
  order: Order,
  live: LiveOrder,
  { as, filledQuantity }: Extract<LiveStep, { kind: 'end_order' }>,
  atUs: number,
): Decision {
  if (live.venueOrderId === undefined) return conflict(order, 'is not known to be at the venue');
  if (filledQuantity !== order.filledQuantity) return conflict(order, 'has fills that are not booked');
  if (as === 'canceled') return decided(portfolio, atUs, canceled(order, live.cancel ?? 'venue'));
  const over: Order = { ...order, status: 'expired', held: zero };
  return decided(portfolio, atUs, {
    ...{ type: 'order_expired', order: over, released: order.held, reason: expiryOf(order) },
  });
}

function expiryOf({ timeInForce, price }: Order): ExpiryReason {
  if (timeInForce === 'FOK') return 'FOK';
  return timeInForce === 'IOC' || price === undefined ? 'IOC' : 'VENUE';
}

function withLive(order: Order, live: LiveOrder): Order {
  return { ...order, live };
}

function conflict(order: Order, fault: string): Decision {
  return refused(
    'CONFLICT',
    `order ${order.id} ${fault}`,
    'Load the portfolio again and go on from how it stands.',
  );
}
