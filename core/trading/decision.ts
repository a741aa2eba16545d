import { apply } from './apply.ts';
import type { ErrorCode } from '#core/platform/errors.ts';
import type { NumberedEvent, TradingEvent } from './event.ts';
import type { RejectCode } from './order.ts';
import type { Portfolio } from './portfolio.ts';

/** What follows from a command: events in their order with the portfolio after them, or a refusal that leaves no trace. */
export type Decision = Decided | { refused: Refusal };

export interface Decided {
  events: NumberedEvent[];
  portfolio: Portfolio;
}

export interface Refusal {
  code: ErrorCode;
  message: string;
  /** What can be done about it, one imperative sentence. */
  remedy: string;
  /** Of an amendment that would not have been accepted as an order. */
  rejectCode?: RejectCode;
}

/** The decision that these events follow, in this order. */
export function decided(portfolio: Portfolio, atUs: number, ...events: TradingEvent[]): Decided {
  return followed({ events: [], portfolio }, atUs, ...events);
}

/** A decision with more events after its own. */
export function followed(before: Decided, atUs: number, ...events: TradingEvent[]): Decided {
  const numbered = [...before.events];
  let { portfolio } = before;
  for (const event of events) {
    const next: NumberedEvent = { ...event, number: portfolio.number + 1, atUs };
    portfolio = apply(portfolio, next);
    numbered.push(next);
  }
  return { events: numbered, portfolio };
}

export function refused(code: ErrorCode, message: string, remedy: string): { refused: Refusal } {
  return { refused: { code, message, remedy } };
}

export function notOpen(orderId: string): { refused: Refusal } {
  return refused('NOT_FOUND', `order ${orderId} is not open`, 'Ask for the order to see how it ended.');
}

export function isRefused(decision: Decision): decision is { refused: Refusal } {
  return 'refused' in decision;
}
