import { setTimeout as sleep } from 'node:timers/promises';
import { ordersTopic } from '#core/market/topics.ts';
import { backOffMs } from '#core/platform/back-off.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { EventLog } from '#core/streams/event-log.ts';

export interface RelayOptions {
  database: Database;
  log: EventLog;
  logger: Logger;
  metrics: Metrics;
}

export interface OrdersRelay {
  /** Looks at once, not at its next turn: for who has just committed in the same process. */
  wake(): void;
  /** Sends nothing more; what is left is sent by who goes on. */
  close(): Promise<void>;
}

/** Of the topic `orders`; what is older stands in Postgres. */
export const ordersTopicOptions = { partitions: 12, retentionMs: 7 * 24 * 60 * 60_000 };
const batchEvents = 500;
const pollMs = 25;
const retryMs = { firstMs: 100, maxMs: 5_000 };
/** Of the advisory lock that one relay has at a time. */
const relayLock = 7_240_002;
const outboxSql = sqlFile(import.meta.url, 'sql/outbox.sql');

/**
 * Moves the events of trading from the outbox to the topic `orders`, keyed by portfolio: each at least once, a portfolio's
 * in the order of their numbers. Any number of processes may run it; one of them does the work.
 */
export async function startRelay(options: RelayOptions): Promise<OrdersRelay> {
  const { log, logger, metrics } = options;
  await log.ensureTopic(ordersTopic, ordersTopicOptions);
  const relayed = metrics.counter('ticklake_trading_relayed_total', 'Events of trading sent to the log');
  const closing = new AbortController();
  /** Whether there was a call while nothing was waiting for it. */
  let isDue = false;
  let endPause: (() => void) | undefined;
  const wake = (): void => {
    isDue = endPause === undefined;
    endPause?.();
  };
  const pause = async (ms: number): Promise<void> => {
    if (!isDue)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        endPause = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    isDue = false;
    endPause = undefined;
  };

  const running = (async () => {
    for (let failures = 0; !closing.signal.aborted;) {
      try {
        const sent = await relayOnce(options);
        relayed.inc(sent);
        failures = 0;
        if (sent < batchEvents) await pause(pollMs);
      } catch (error) {
        failures += 1;
        const waitMs = backOffMs(failures, retryMs);
        logger.warn({ err: error, waitMs }, 'events of trading could not be sent to the log');
        // Whoever calls meanwhile does not make it sooner.
        await sleep(waitMs, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
  })();

  return {
    wake,
    async close() {
      closing.abort();
      wake();
      await running;
    },
  };
}

/**
 * Sends the next events, at most 500, and answers how many. Those of a portfolio become visible in their order, as they are
 * written under the lock of its head; so whatever is visible is sent in the order it was written, and only then deleted.
 */
export async function relayOnce({ database, log }: Pick<RelayOptions, 'database' | 'log'>): Promise<number> {
  const { rows: waiting } = await database.query('select from trading.outbox limit 1');
  if (waiting.length === 0) return 0;
  return await database.transaction(async (tx) => {
    // Who stops halfway loses the lock; what it sends later is repeated, which readers tell by the numbers.
    // That they were sent need not be on disk, either.
    await tx.query(
      `set local idle_in_transaction_session_timeout = '30s'; set local synchronous_commit = off`,
    );
    const { rows: lock } = await tx.query<{ taken: boolean }>(
      'select pg_try_advisory_xact_lock($1) as taken',
      [relayLock],
    );
    if (lock[0]?.taken !== true) return 0;
    const { rows } = await tx.query<{ seq: number; portfolioId: string; body: string }>(outboxSql, [
      batchEvents,
    ]);
    if (rows.length === 0) return 0;
    await log.append(
      ordersTopic,
      rows.map(({ portfolioId, body }) => ({ key: portfolioId, value: body })),
    );
    await tx.query('delete from trading.outbox where seq = any($1)', [rows.map(({ seq }) => seq)]);
    return rows.length;
  });
}
