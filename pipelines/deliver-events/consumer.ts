import type { Transaction } from '#core/platform/postgres/database.ts';
import type { NumberedEvent } from '#core/trading/event.ts';

/** An event of trading, and whose it is. */
export interface DeliveredEvent {
  portfolioId: string;
  event: NumberedEvent;
}

/**
 * Makes something of the events of trading. Of each portfolio it is given all events, in the order of their numbers, each
 * once: what `handle` writes in `tx` is committed together with how far the consumer has come. Events of several portfolios
 * come in no certain order, and several processes may be at work at once, each with other portfolios.
 */
export interface EventConsumer {
  /** Under which its progress is kept: another name begins at the first event of all. */
  readonly name: string;
  /**
   * Some events, at most 1,000, at least one. What it throws rolls back what was written, and it is given them again, later
   * each time; other consumers go on meanwhile. Nothing may be done here that a rollback does not undo.
   */
  handle(events: readonly DeliveredEvent[], tx: Transaction): Promise<void>;
}
