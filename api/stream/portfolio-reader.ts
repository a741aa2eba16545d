import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import type { StoredEvent } from '#core/trading/codec.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';
import { readEvents, readPortfolio } from '#core/trading/read.ts';

/** Reads portfolios for subscriptions, a few at a time: a thousand clients that come back at once wait here, not for each other's connections. */
export interface PortfolioReader {
  /** @throws NOT_FOUND, OVERLOADED */
  portfolio(id: string): Promise<Portfolio>;
  /** The events after a number, at most {@link pageEvents}. @throws OVERLOADED */
  eventsAfter(id: string, number: number): Promise<StoredEvent[]>;
}

export const pageEvents = 500;
const readsMax = 4;
const waitingMax = 5_000;

export function createPortfolioReader(database: Transaction, metrics: Metrics): PortfolioReader {
  const gate = bulkhead(readsMax, waitingMax);
  const waiting = metrics.gauge('ticklake_stream_reads_waiting', 'Reads of portfolios that wait for others');

  return {
    async portfolio(id) {
      const stored = await inTurn(() => readPortfolio(database, id));
      if (stored !== undefined) return stored.portfolio;
      throw new TicklakeError('NOT_FOUND', `there is no portfolio ${id}`, {
        remedy: 'GET /v1/portfolios lists yours.',
      });
    },
    eventsAfter: (id, number) => inTurn(() => readEvents(database, id, { after: number, limit: pageEvents })),
  };

  async function inTurn<T>(read: () => Promise<T>): Promise<T> {
    try {
      const reading = gate.execute(read);
      waiting.set(waitingMax - gate.queueSlots);
      return await reading;
    } catch (error) {
      if (!isBulkheadRejectedError(error)) throw error;
      throw new TicklakeError('OVERLOADED', 'too many clients come back at once', {
        cause: error,
        remedy: 'Subscribe again in a few seconds.',
      });
    }
  }
}
