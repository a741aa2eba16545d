import { TicklakeError } from '#core/platform/errors.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import type { Queue } from './queue.ts';
import { endRun, lockRun, type LockedRun } from './settle.ts';
import { cancelTasks, reviveTasks } from './tasks.ts';

/**
 * Ends a run at once: what waits never begins, what runs is told to stop and can mark nothing any more. A chain is
 * cancelled with all its steps. Cancelling what has ended changes nothing.
 * @throws NOT_FOUND
 */
export async function cancelRun(database: Database, queue: Queue, runId: string): Promise<void> {
  await database.transaction(async (tx) => {
    const run = await lockRun(tx, runId);
    if (run.state !== 'waiting' && run.state !== 'running') return;
    for (const one of run.isChain ? await stepsOf(tx, runId) : [run]) {
      if (one.state !== 'waiting' && one.state !== 'running') continue;
      await cancelTasks(tx, queue, one.runId);
      await endRun(tx, one, 'cancelled', null);
    }
  });
}

/**
 * Does again what of a failed or cancelled run did not finish; finished partitions stay as they are. A step is retried
 * with the whole chain that it is of.
 * @throws NOT_FOUND, CONFLICT when the run goes on or has succeeded, or a run like it goes on.
 */
export async function retryRun(database: Database, queue: Queue, runId: string): Promise<void> {
  await database
    .transaction(async (tx) => {
      const asked = await lockRun(tx, runId);
      const run = asked.parentRunId === null ? asked : await lockRun(tx, asked.parentRunId);
      if (run.state !== 'failed' && run.state !== 'cancelled') throw nothingToRetry(run);
      if (!run.isChain) {
        await reviveRun(tx, queue, run);
        return;
      }
      await resume(tx, run.runId, 'running');
      for (const step of await stepsOf(tx, run.runId)) {
        if (step.state === 'failed' || step.state === 'cancelled') await reviveRun(tx, queue, step);
      }
    })
    .catch((error: unknown) => {
      if (!isUniqueViolation(error)) throw error;
      throw new TicklakeError('CONFLICT', `a run like ${runId} goes on already`, {
        cause: error,
        remedy: 'Wait for that one, or cancel it.',
      });
    });
}

/** A run without tasks was never planned: it waits again for the runs it needs. */
async function reviveRun(tx: Transaction, queue: Queue, run: LockedRun): Promise<void> {
  const { rows } = await tx.query<{ is_planned: boolean | null }>(
    `select bool_or(kind = 'plan' and state = 'finished') as is_planned from jobs.tasks where run_id = $1`,
    [run.runId],
  );
  await resume(tx, run.runId, rows[0]?.is_planned === true ? 'running' : 'waiting');
  await reviveTasks(tx, queue, run.runId, run.job);
}

async function resume(tx: Transaction, runId: string, state: 'waiting' | 'running'): Promise<void> {
  await tx.query(
    `update jobs.runs set state = $2, ended_at = null, error = null, resumed_at = clock_timestamp()
      where run_id = $1`,
    [runId, state],
  );
}

async function stepsOf(tx: Transaction, parentId: string): Promise<LockedRun[]> {
  const { rows } = await tx.query<LockedRun>(
    `select run_id as "runId", job, state, parent_run_id as "parentRunId", is_chain as "isChain"
       from jobs.runs where parent_run_id = $1 order by step`,
    [parentId],
  );
  return rows;
}

function nothingToRetry(run: LockedRun): TicklakeError {
  const why = run.state === 'succeeded' ? 'has succeeded' : 'goes on';
  return new TicklakeError('CONFLICT', `there is nothing to retry: the run ${why}`, {
    context: { runId: run.runId, state: run.state },
  });
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505';
}
