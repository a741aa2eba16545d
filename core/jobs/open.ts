import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { openBudget, type Budget, type BudgetLimit } from './budget.ts';
import type { Catalogue } from './catalogue.ts';
import { cancelRun, retryRun } from './control.ts';
import { enqueueRun, type Enqueued, type RunRequest } from './enqueue.ts';
import { openQueue } from './queue.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';
import { Worker, type WorkerOptions } from './worker.ts';

export interface JobsOptions {
  database: Database;
  /** Cards alone are enough to ask for runs; a worker needs the jobs. */
  catalogue: Catalogue;
  logger: Logger;
  metrics: Metrics;
  /** Request weight that all jobs share, by source. */
  budgets?: Readonly<Record<string, BudgetLimit>>;
  /** That of every source that is not named there. */
  defaultBudget?: BudgetLimit;
  /** Runs that may wait to be planned; default 1000. */
  waitingRunsMax?: number;
}

type Own = 'database' | 'queue' | 'catalogue' | 'budget' | 'logger' | 'metrics' | 'waitingRunsMax';

/** The jobs of one database: to ask for runs, to end them, and to run them. What is read is in views.ts and follow.ts. */
export interface Jobs {
  readonly catalogue: Catalogue;
  readonly budget: Budget;
  /** {@link enqueueRun}, in a transaction of its own or in the caller's. */
  enqueue(request: RunRequest, tx?: Transaction): Promise<Enqueued>;
  /** {@link cancelRun} */
  cancel(runId: string): Promise<void>;
  /** {@link retryRun} */
  retry(runId: string): Promise<void>;
  startWorker(options?: Omit<WorkerOptions, Own>): Worker;
  /** A scheduler that is not started yet: `start()` it, or `decide()` by hand. */
  createScheduler(options: Omit<SchedulerOptions, Own>): Scheduler;
  /** Workers and schedulers are closed before it. */
  close(): Promise<void>;
}

/** @throws DATABASE_UNREACHABLE, DATABASE_WRONG */
export async function openJobs(options: JobsOptions): Promise<Jobs> {
  const { database, catalogue, logger, metrics, waitingRunsMax = 1_000 } = options;
  const queue = await openQueue(database, logger);
  const { budgets: limits = {}, defaultBudget } = options;
  const budget = openBudget({
    ...{ database, limits, logger, metrics },
    ...(defaultBudget === undefined ? {} : { defaultLimit: defaultBudget }),
  });
  const shared = { database, queue, catalogue, budget, logger, metrics, waitingRunsMax };
  return {
    catalogue,
    budget,
    enqueue: async (request, tx) =>
      tx === undefined
        ? await database.transaction((own) => enqueueRun(own, shared, request))
        : await enqueueRun(tx, shared, request),
    cancel: (runId) => cancelRun(database, queue, runId),
    retry: (runId) => retryRun(database, queue, runId),
    startWorker: (own = {}) => new Worker({ ...own, ...shared }),
    createScheduler: (own) => new Scheduler({ ...own, ...shared }),
    close: () => queue.close(),
  };
}
