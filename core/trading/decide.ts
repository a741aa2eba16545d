import { add, decimalText, units, zero, type Decimal } from '#core/market/decimal.ts';
import { amendOrder } from './amend.ts';
import type { CancelReason, Command, Surroundings } from './command.ts';
import { decided, isRefused, refused, type Decided, type Decision } from './decision.ts';
import type { TradingEvent } from './event.ts';
import { executeAll, executeStep } from './execute.ts';
import { markPrices } from './loss.ts';
import { limitsFault } from './limits.ts';
import type { Order } from './order.ts';
import { placeOrder } from './place.ts';
import type { Portfolio } from './portfolio.ts';

export type { Decided, Decision, Refusal } from './decision.ts';

/**
 * What follows from a command, and the portfolio after it. Pure: the same portfolio, command and surroundings give the
 * same decision. An order that cannot be taken is an event (`order_rejected`); a refusal leaves no trace.
 */
export function decide(portfolio: Portfolio, command: Command, around: Surroundings): Decision {
  if ((portfolio.number === 0) !== (command.kind === 'open_portfolio'))
    return portfolio.number === 0
      ? refused('NOT_FOUND', `there is no portfolio ${portfolio.id}`, 'Open it first.')
      : refused('ALREADY_EXISTS', `portfolio ${portfolio.id} is open already`, 'Use it as it is.');
  const due = switchedOff(portfolio, command);
  if (due.events.length === 0) return outcome(portfolio, command, around);
  const decision = outcome(due.portfolio, command, around);
  if (isRefused(decision)) return decision;
  return { events: [...due.events, ...decision.events], portfolio: decision.portfolio };
}

function outcome(portfolio: Portfolio, command: Command, around: Surroundings): Decision {
  const { atUs } = command;
  switch (command.kind) {
    case 'open_portfolio': {
      const { userId, name, limits } = command;
      return limited(portfolio, atUs, { type: 'portfolio_opened', userId, name, limits });
    }
    case 'deposit':
      return deposited(portfolio, command);
    case 'withdraw':
      return withdrawn(portfolio, command);
    case 'place_order':
      if (portfolio.orders.has(command.orderId))
        return refused('ALREADY_EXISTS', `order ${command.orderId} is open already`, 'Use another order id.');
      return placeOrder(portfolio, command, around);
    case 'amend_order':
      return amendOrder(portfolio, command, around);
    case 'cancel_order': {
      const order = portfolio.orders.get(command.orderId);
      if (order === undefined)
        return refused(
          'NOT_FOUND',
          `order ${command.orderId} is not open`,
          'Ask for the order to see how it ended.',
        );
      return decided(portfolio, atUs, canceled(order, command.reason));
    }
    case 'cancel_all':
      return canceledAll(portfolio, command);
    case 'cancel_after':
      if (command.untilUs !== null && !(Number.isSafeInteger(command.untilUs) && command.untilUs > atUs))
        return refused(
          'BAD_REQUEST',
          'the time to cancel at is not in the future',
          'Set a later one, or null.',
        );
      return decided(portfolio, atUs, { type: 'cancel_after_set', untilUs: command.untilUs });
    case 'set_limits': {
      const { limits, by } = command;
      return limited(portfolio, atUs, { type: 'limits_set', limits, by });
    }
    case 'set_risk': {
      const { risk, by, reason } = command;
      if (risk === portfolio.risk) return decided(portfolio, atUs);
      return decided(portfolio, atUs, { type: 'risk_set', risk, by, reason });
    }
    case 'activate_order':
    case 'trigger_order':
    case 'fill_order':
    case 'expire_order':
      return executeStep(portfolio, command, around, atUs);
    case 'execute':
      return executeAll(portfolio, command.steps, around, atUs);
    case 'mark_prices':
      return markPrices(portfolio, command);
  }
}

/** The dead-man's switch, where its time has come before what its owner asks for next. */
function switchedOff(portfolio: Portfolio, { kind, atUs }: Command): Decided {
  const isOwners = kind === 'place_order' || kind === 'amend_order' || kind === 'cancel_after';
  const isDue = portfolio.cancelAfterUs !== undefined && atUs >= portfolio.cancelAfterUs;
  if (!isOwners || !isDue) return decided(portfolio, atUs);
  return fired(portfolio, atUs);
}

function fired(portfolio: Portfolio, atUs: number): Decided {
  const cancels = inOrder(portfolio).map((order) => canceled(order, 'cancel_after'));
  return decided(portfolio, atUs, ...cancels, { type: 'cancel_after_set', untilUs: null });
}

/** By `cancel_after` only once that time has come: it may have been moved on since it was read. */
function canceledAll(portfolio: Portfolio, command: Extract<Command, { kind: 'cancel_all' }>): Decision {
  const { source, symbol, reason, atUs } = command;
  if (reason === 'cancel_after') {
    const isDue = portfolio.cancelAfterUs !== undefined && atUs >= portfolio.cancelAfterUs;
    return isDue ? fired(portfolio, atUs) : decided(portfolio, atUs);
  }
  const meant = inOrder(portfolio).filter(
    (order) =>
      (source === undefined || order.source === source) && (symbol === undefined || order.symbol === symbol),
  );
  return decided(portfolio, atUs, ...meant.map((order) => canceled(order, reason)));
}

/** The open orders as they were placed, however they are kept. */
function inOrder(portfolio: Portfolio): Order[] {
  return [...portfolio.orders.values()].sort((a, b) => a.placedAtUs - b.placedAtUs || (a.id < b.id ? -1 : 1));
}

function canceled(order: Order, reason: CancelReason): TradingEvent {
  const over: Order = { ...order, status: 'canceled', held: zero };
  return { type: 'order_canceled', order: over, released: order.held, reason };
}

function limited(
  portfolio: Portfolio,
  atUs: number,
  event: Extract<TradingEvent, { type: 'portfolio_opened' | 'limits_set' }>,
): Decision {
  const fault = limitsFault(event.limits);
  if (fault !== undefined) return refused('BAD_REQUEST', `limits cannot be so: ${fault}`, 'Set others.');
  return decided(portfolio, atUs, event);
}

function deposited(
  portfolio: Portfolio,
  { id, asset, amount, atUs }: Extract<Command, { kind: 'deposit' }>,
): Decision {
  const { available, held } = portfolio.balances.get(asset) ?? { available: zero, held: zero };
  if (amount <= zero || add(add(available, held), amount) > balanceMax)
    return refused(
      'BAD_REQUEST',
      `a deposit is above 0, and a balance at most ${decimalText(balanceMax)}`,
      'Deposit another amount.',
    );
  return decided(portfolio, atUs, { type: 'deposited', id, asset, amount });
}

function withdrawn(
  portfolio: Portfolio,
  { id, asset, amount, atUs }: Extract<Command, { kind: 'withdraw' }>,
): Decision {
  if (amount <= zero) return refused('BAD_REQUEST', 'a withdrawal is above 0', 'Withdraw another amount.');
  const available = portfolio.balances.get(asset)?.available ?? zero;
  if (amount > available)
    return refused(
      'INSUFFICIENT_FUNDS',
      `${decimalText(available)} ${asset} are available, ${decimalText(amount)} were to be withdrawn`,
      'Withdraw less, or cancel orders that hold some.',
    );
  return decided(portfolio, atUs, { type: 'withdrawn', id, asset, amount });
}

/** A tenth of what a decimal column holds: profit does not make a balance overflow. */
const balanceMax: Decimal = units(10n ** 37n);
