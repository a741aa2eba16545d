import { setTimeout as sleep } from 'node:timers/promises';
import { backOffMs } from '#core/platform/back-off.ts';
import { isTicklakeError, toTicklakeError, type TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { Done } from './attempt.ts';
import type { Job } from './job.ts';
import type { Queue } from './queue.ts';
import { addPartitions, endUnfinished, finishTask, type Next, type TakenTask } from './tasks.ts';

export interface MarkDeps {
  database: Database;
  queue: Queue;
  logger: Logger;
}

const defaultBackOff = { firstMs: 1_000, maxMs: 60_000 };
const defaultAttempts = 5;
const triesMax = 8;
const pauseMsMax = 2_500;

/** Marks a task finished, with what it led to. @throws FENCED when it is no longer this attempt's. */
export async function markFinished(
  { database, queue }: MarkDeps,
  task: TakenTask,
  done: Done,
): Promise<void> {
  await database.transaction(async (tx) => {
    // The job may have marked it in its own transaction, or an earlier try did without hearing of it.
    const { rows } = await tx.query(`select 1 from jobs.tasks where attempt_id = $1 and state = 'finished'`, [
      task.attemptId,
    ]);
    if (rows.length > 0) return;
    await finishTask(tx, queue, task, done.kind === 'partition' ? done.committed : undefined);
    if (done.kind === 'plan') await addPartitions(tx, queue, task, done.partitions);
  });
}

/** Marks an attempt that did not finish, and what follows; an interrupted one was told to stop and counts as no failure. */
export async function markUnfinished(
  { database, queue, logger }: MarkDeps,
  task: TakenTask,
  job: Job,
  thrown: unknown,
  isInterrupted: boolean,
): Promise<'failed' | 'interrupted' | 'fenced'> {
  const error = toTicklakeError(thrown);
  const outcome = isInterrupted ? 'interrupted' : 'failed';
  const next = isInterrupted ? { retryInMs: 0 } : nextAfter(task, job, error);
  const isOurs = await database.transaction((tx) => endUnfinished(tx, queue, task, outcome, next, error));
  const facts = { err: error, job: job.name, run: task.runId, partition: task.key };
  if (!isOurs) {
    logger.info(facts, 'an attempt ended that was cancelled, or lost to another worker');
    return 'fenced';
  }
  if (next === 'fail') logger.error(facts, 'a partition has failed for good');
  else if (isInterrupted)
    logger.info({ ...facts, err: undefined }, `an attempt was stopped: ${error.message}`);
  else
    logger.warn({ ...facts, retryInMs: next.retryInMs }, 'an attempt did not finish; it will be tried again');
  return outcome;
}

/**
 * Tries again while Postgres is away and the lease is held. The token tells each try whether an earlier one, whose
 * answer was lost, has succeeded.
 */
export async function untilAnswered<T>(
  mark: () => Promise<T>,
  isHeld: () => boolean,
  logger: Logger,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await mark();
    } catch (error) {
      const isAway =
        isTicklakeError(error, 'DATABASE_UNREACHABLE') || isTicklakeError(error, 'COMMIT_UNKNOWN');
      if (!isAway || tries >= triesMax || !isHeld()) throw error;
      logger.warn({ err: error }, 'Postgres does not answer; what an attempt led to is marked again');
      await sleep(Math.min(pauseMsMax, 100 * 2 ** tries));
    }
  }
}

function nextAfter(task: TakenTask, job: Job, error: TicklakeError): Next {
  const failures = task.failures + 1;
  const isOver = !error.retryable || failures >= (job.attempts ?? defaultAttempts);
  return isOver ? 'fail' : { retryInMs: backOffMs(failures, { ...defaultBackOff, ...job.backOff }) };
}
