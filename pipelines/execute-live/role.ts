import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderVenue } from '#core/exchanges/order-venue.ts';
import { isTicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { leaveAccount, renewAccount, takeAccount, type AccountLease } from '#core/trading/live-account.ts';
import type { TradingWriter } from '#core/trading/writer.ts';
import { openBooks } from './books.ts';
import { liveMetrics } from './live-metrics.ts';
import { tend } from './tend.ts';
import { liveTiming, type LiveTiming } from './timing.ts';

export interface LiveOptions {
  database: Database;
  writer: TradingWriter;
  /** The account that live orders go to. */
  venue: OrderVenue;
  /** Called as events have been committed, for who passes them on. */
  onBooked: () => void;
  logger: Logger;
  metrics: Metrics;
  timing?: Partial<LiveTiming>;
}

export interface Live {
  /** Sends nothing more, and leaves the account to others; what is not known then, they ask for. */
  close(): Promise<void>;
}

/**
 * Executes the orders of the account's portfolio at its venue. Any number of processes may run it: one of them has the
 * account at a time.
 */
export function startLive(options: LiveOptions): Live {
  const { database, venue, logger } = options;
  const timing = { ...liveTiming, ...options.timing };
  const metrics = liveMetrics(options.metrics);
  const stopping = new AbortController();
  const running = run();
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const lease = await takeAccount(database, venue.source, timing.leaseMs);
        if (lease !== undefined) await act(lease);
      } catch (error) {
        logger.warn({ err: toTicklakeError(error) }, 'the account is asked for again in a moment');
      }
      await sleep(timing.leaseMs / 10, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  async function act(lease: AccountLease): Promise<void> {
    const { source, portfolioId, epoch } = lease;
    logger.info({ source, portfolioId, epoch }, 'acts for the account');
    metrics.isOwner.set(1);
    const lost = new AbortController();
    const renewing = renew(lease, lost);
    const books = openBooks({ ...options, lease });
    try {
      const signal = AbortSignal.any([stopping.signal, lost.signal]);
      await tend({ venue, books, timing, metrics, logger, signal });
    } catch (error) {
      if (!isTicklakeError(error, 'FENCED')) throw error;
      logger.warn({ err: error }, 'another process acts for the account');
    } finally {
      metrics.isOwner.set(0);
      lost.abort();
      await renewing;
      await leaveAccount(database, lease).catch(() => undefined);
    }
  }

  /** Renews the lease until it ends; ends it where that did not succeed for as long as it lasts. */
  async function renew(lease: AccountLease, lost: AbortController): Promise<void> {
    let renewedMs = performance.now();
    while (!lost.signal.aborted) {
      await sleep(timing.leaseMs / 4, undefined, { signal: lost.signal }).catch(() => undefined);
      if (lost.signal.aborted) return;
      const askedMs = performance.now();
      try {
        if (!(await renewAccount(database, lease, timing.leaseMs))) return lost.abort();
        renewedMs = askedMs;
      } catch (error) {
        logger.warn({ err: toTicklakeError(error) }, 'the lease of the account was not renewed');
      }
      if (performance.now() - renewedMs > timing.leaseMs) lost.abort();
    }
  }
}
