import { setTimeout as sleep } from 'node:timers/promises';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

export interface BudgetLimit {
  /** Weight that may be spent in any 60 seconds, by all processes together. */
  perMinute: number;
  /** What of it may be spent at once; default a quarter. The rest comes evenly. No request may weigh more. */
  burst?: number;
}

/** The weight of requests that all jobs of all processes share, by source. */
export interface Budget {
  /**
   * Waits its turn, first come first served.
   * @throws RATE_LIMITED when the turn is farther off than the longest wait, BAD_REQUEST when the weight is above the
   *   burst or the source has no limit, the signal's reason when it is aborted.
   */
  take(source: string, weight: number, signal: AbortSignal): Promise<void>;
  /** The venue says that so much of the limit is used in this minute, by whomever. */
  observed(source: string, used: number): Promise<void>;
  /** The venue forbids requests for so long. */
  pause(source: string, ms: number): Promise<void>;
}

export interface BudgetOptions {
  database: Database;
  limits: Readonly<Record<string, BudgetLimit>>;
  /** Of sources that have none of their own. */
  defaultLimit?: BudgetLimit;
  /** Longest wait for a turn; default 10 minutes. */
  maxWaitMs?: number;
  logger: Logger;
  metrics: Metrics;
}

const takeSql = sqlFile(import.meta.url, './sql/budget-take.sql');
const observedSql = sqlFile(import.meta.url, './sql/budget-observed.sql');

/**
 * A bucket in Postgres that fills evenly. With a burst of B and a fill of (L - B) a minute, no 60 seconds see more
 * than L, wherever the venue's own minute begins. A turn is promised in one statement and waited for without asking
 * again; one that is not used, as its process died, is lost and filled up again.
 */
export function openBudget(options: BudgetOptions): Budget {
  const { database, metrics } = options;
  const maxWaitMs = options.maxWaitMs ?? 600_000;
  const waiting = metrics.gauge('ticklake_jobs_budget_waiting', 'Requests waiting for their turn', [
    'source',
  ]);
  const taken = metrics.counter('ticklake_jobs_budget_taken_total', 'Request weight taken', ['source']);
  const waited = metrics.histogram(
    'ticklake_jobs_budget_wait_seconds',
    'Wait for the turn of one request',
    ['source'],
    [0, 0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600],
  );

  const bucketOf = (source: string): { burst: number; perSecond: number; perMinute: number } => {
    const limit = options.limits[source] ?? options.defaultLimit;
    if (limit === undefined) {
      throw new TicklakeError('BAD_REQUEST', `no request weight is configured for ${source}`);
    }
    const { perMinute, burst = Math.ceil(perMinute / 4) } = limit;
    return { burst, perSecond: (perMinute - burst) / 60, perMinute };
  };
  const giveBack = async (source: string, weight: number): Promise<void> => {
    await database
      .query('update jobs.budgets set tokens = tokens + $2 where source = $1', [source, weight])
      .catch((error: unknown) =>
        options.logger.warn({ err: error, source }, 'request weight was not given back'),
      );
  };

  return {
    async take(source, weight, signal) {
      signal.throwIfAborted();
      const { burst, perSecond } = bucketOf(source);
      if (weight > burst) throw tooHeavy(source, weight, burst);
      const { rows } = await database.query<{ wait_ms: number }>(takeSql, [
        ...[source, burst, perSecond, weight, maxWaitMs],
      ]);
      const turn = rows[0];
      if (turn === undefined) throw tooFarOff(source, maxWaitMs);
      waited.observe({ source }, turn.wait_ms / 1_000);
      if (turn.wait_ms > 0) {
        waiting.inc({ source });
        try {
          await sleep(turn.wait_ms, undefined, { signal });
        } catch {
          await giveBack(source, weight);
          signal.throwIfAborted();
        } finally {
          waiting.dec({ source });
        }
      }
      taken.inc({ source }, weight);
    },
    async observed(source, used) {
      const { burst, perSecond, perMinute } = bucketOf(source);
      await database.query(observedSql, [source, burst, perSecond, perMinute - used]);
    },
    async pause(source, ms) {
      const { burst } = bucketOf(source);
      await database.query(
        `insert into jobs.budgets as b (source, tokens, filled_at, paused_until)
         values ($1, $2, clock_timestamp(), clock_timestamp() + $3 * interval '1 millisecond')
         on conflict (source) do update set paused_until = greatest(b.paused_until, excluded.paused_until)`,
        [source, burst, ms],
      );
    },
  };
}

function tooHeavy(source: string, weight: number, burst: number): TicklakeError {
  return new TicklakeError(
    'BAD_REQUEST',
    `a request of weight ${weight} is above ${source}'s burst of ${burst}`,
    {
      remedy: 'Configure a larger burst for this source.',
    },
  );
}

function tooFarOff(source: string, waitMs: number): TicklakeError {
  return new TicklakeError(
    'RATE_LIMITED',
    `${source} has no request weight for more than ${waitMs / 1_000} s`,
    {
      remedy: 'Try again later, or run fewer jobs at once.',
      context: { source, waitMs },
    },
  );
}
