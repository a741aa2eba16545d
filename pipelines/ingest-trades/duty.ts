import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { tryLease, type Lease } from '#core/platform/postgres/lease.ts';

/** Work that one of several workers does at a time. */
export interface Task {
  /** Takes nothing more in and finishes what it has; when the signal aborts, what can be found again is left. */
  drain(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface Duty extends Task {
  /** Whether this worker is the one. */
  readonly onDuty: boolean;
  /** Rejects when the task cannot be started again: an error that trying again cannot mend. */
  readonly failed: Promise<never>;
}

export interface DutyOptions {
  /** Workers that name the same lease share the duty. */
  lease: string;
  start: () => Promise<Task>;
  database: Database;
  logger: Logger;
  metrics: Metrics;
}

/** How soon another worker takes over from one that ended. */
const askEveryMs = 500;

/**
 * Runs a task in this worker while it has the lease, and waits for the lease while another has it. While Postgres is
 * away a running task goes on; it ends when another worker turns out to have taken over. Resolves when the task runs
 * or another worker has the lease.
 * @throws what the task's first start throws.
 */
export async function startDuty(options: DutyOptions): Promise<Duty> {
  const { logger, database, lease: name } = options;
  const stopping = new AbortController();
  const settled = Promise.withResolvers<undefined>();
  const gauge = options.metrics.gauge('ticklake_duty', 'Whether this worker has the lease: 1 or 0', [
    'lease',
  ]);
  let task: Task | undefined;
  let hasSettled = false;

  const running = run();
  running.catch(() => undefined);
  await Promise.race([settled.promise, running]);

  return {
    get onDuty() {
      return task !== undefined;
    },
    failed: running.then(() => new Promise<never>(() => undefined)),
    async drain(signal) {
      await task?.drain(signal);
    },
    async close() {
      stopping.abort();
      await running.catch(() => undefined);
    },
  };

  async function run(): Promise<void> {
    try {
      while (!stopping.signal.aborted) {
        try {
          const lease = await tryLease(database, name);
          if (lease === undefined) await standBy();
          else await serve(lease);
        } catch (error) {
          if (!hasSettled || !isTicklakeError(error) || !error.retryable) throw error;
          logger.warn({ err: error, lease: name }, 'the duty was interrupted; trying again');
          await pause();
        }
      }
    } finally {
      await endTask();
    }
  }

  async function serve(lease: Lease): Promise<void> {
    try {
      task ??= await options.start();
      gauge.set({ lease: name }, 1);
      settle();
      if (!lease.lost.aborted && !stopping.signal.aborted) {
        await once(AbortSignal.any([lease.lost, stopping.signal]), 'abort');
      }
      // What still goes to the log goes there before another worker begins.
      if (stopping.signal.aborted) await endTask();
      else logger.warn({ lease: name }, 'the lease was lost; taking it again');
    } finally {
      await lease.release();
    }
  }

  async function standBy(): Promise<void> {
    if (task !== undefined) logger.warn({ lease: name }, 'another worker has taken over');
    await endTask();
    settle();
    await pause();
  }

  async function endTask(): Promise<void> {
    gauge.set({ lease: name }, 0);
    const ending = task;
    task = undefined;
    await ending?.close();
  }

  function settle(): void {
    hasSettled = true;
    settled.resolve(undefined);
  }

  async function pause(): Promise<void> {
    await sleep(askEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
  }
}
