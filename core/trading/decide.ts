import { amendOrder } from './amend.ts';
import { cancelAll, cancelOrder, setCancelAfter, switchedOff } from './cancel.ts';
import type { Command, Surroundings } from './command.ts';
import { decided, isRefused, refused, type Decision } from './decision.ts';
import type { TradingEvent } from './event.ts';
import { executeAll, executeStep } from './execute.ts';
import { deposit, withdraw } from './funds.ts';
import { limitsFault } from './limits.ts';
import { executeLive, reportDifference } from './live-step.ts';
import { markPrices } from './loss.ts';
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
      const { userId, name, limits, venue } = command;
      const of = venue === undefined ? {} : { venue };
      return limited(portfolio, atUs, { type: 'portfolio_opened', userId, name, limits, ...of });
    }
    case 'deposit':
      return deposit(portfolio, command);
    case 'withdraw':
      return withdraw(portfolio, command);
    case 'place_order':
      if (portfolio.orders.has(command.orderId))
        return refused('ALREADY_EXISTS', `order ${command.orderId} is open already`, 'Use another order id.');
      return placeOrder(portfolio, command, around);
    case 'amend_order':
      return amendOrder(portfolio, command, around);
    case 'cancel_order':
      return cancelOrder(portfolio, command);
    case 'cancel_all':
      return cancelAll(portfolio, command);
    case 'cancel_after':
      return setCancelAfter(portfolio, command);
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
    case 'execute_live':
      return executeLive(portfolio, command.steps, around, atUs);
    case 'report_difference':
      return reportDifference(portfolio, command);
    case 'mark_prices':
      return markPrices(portfolio, command);
  }
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
