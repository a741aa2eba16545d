import { zero } from '#core/market/decimal.ts';
import type { Command } from './command.ts';
import { decided, notOpen, refused, type Decided, type Decision } from './decision.ts';
import type { TradingEvent } from './event.ts';
import type { CancelReason, Order } from './order.ts';
import type { Portfolio } from './portfolio.ts';

export function cancelOrder(
  portfolio: Portfolio,
  { orderId, reason, atUs }: Extract<Command, { kind: 'cancel_order' }>,
): Decision {
  const order = portfolio.orders.get(orderId);
  return order === undefined ? notOpen(orderId) : decided(portfolio, atUs, ...cancellation(order, reason));
}

/** Sets the dead-man's switch to a time to come, or off. */
export function setCancelAfter(
  portfolio: Portfolio,
  { untilUs, atUs }: Extract<Command, { kind: 'cancel_after' }>,
): Decision {
  if (untilUs !== null && !(Number.isSafeInteger(untilUs) && untilUs > atUs))
    return refused('BAD_REQUEST', 'the time to cancel at is not in the future', 'Set a later one, or null.');
  return decided(portfolio, atUs, { type: 'cancel_after_set', untilUs });
}

/** The dead-man's switch, where its time has come before what its owner asks for next. */
export function switchedOff(portfolio: Portfolio, { kind, atUs }: Command): Decided {
  const isOwners = kind === 'place_order' || kind === 'amend_order' || kind === 'cancel_after';
  const isDue = portfolio.cancelAfterUs !== undefined && atUs >= portfolio.cancelAfterUs;
  if (!isOwners || !isDue) return decided(portfolio, atUs);
  return fired(portfolio, atUs);
}

function fired(portfolio: Portfolio, atUs: number): Decided {
  const cancels = inOrder(portfolio).flatMap((order) => cancellation(order, 'cancel_after'));
  return decided(portfolio, atUs, ...cancels, { type: 'cancel_after_set', untilUs: null });
}

/** By `cancel_after` only once that time has come: it may have been moved on since it was read. */
export function cancelAll(portfolio: Portfolio, command: Extract<Command, { kind: 'cancel_all' }>): Decided {
  const { source, symbol, reason, atUs } = command;
  if (reason === 'cancel_after') {
    const isDue = portfolio.cancelAfterUs !== undefined && atUs >= portfolio.cancelAfterUs;
    return isDue ? fired(portfolio, atUs) : decided(portfolio, atUs);
  }
  const meant = inOrder(portfolio).filter(
    (order) =>
      (source === undefined || order.source === source) && (symbol === undefined || order.symbol === symbol),
  );
  return decided(portfolio, atUs, ...meant.flatMap((order) => cancellation(order, reason)));
}

/** The open orders as they were placed, however they are kept. */
function inOrder(portfolio: Portfolio): Order[] {
  return [...portfolio.orders.values()].sort((a, b) => a.placedAtUs - b.placedAtUs || (a.id < b.id ? -1 : 1));
}

/** One that was sent ends at its venue: that is asked for once, and until it has ended its money is held. */
function cancellation(order: Order, reason: CancelReason): TradingEvent[] {
  const { live } = order;
  if (live?.validUntilUs === undefined) return [canceled(order, reason)];
  if (live.cancel !== undefined) return [];
  const asked: Order = { ...order, live: { ...live, cancel: reason } };
  return [{ type: 'order_cancel_requested', order: asked, reason }];
}

/** An order that is over, with nothing held. */
export function canceled(order: Order, reason: CancelReason): TradingEvent {
  const over: Order = { ...order, status: 'canceled', held: zero };
  return { type: 'order_canceled', order: over, released: order.held, reason };
}
