import { TicklakeError } from '#core/platform/errors.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { keptError } from './errors.ts';
import type { Queue } from './queue.ts';
import { addPlan } from './tasks.ts';

export type RunState = 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled';

export interface LockedRun {
  runId: string;
  job: string;
  state: RunState;
  parentRunId: string | null;
  isChain: boolean;
}

/**
 * The run, locked with its family: whoever moves a run's state holds the row of the run it is a step of, else its own.
 * Order of locks everywhere: that row, then messages of the queue, then tasks.
 */
export async function lockRun(tx: Transaction, runId: string): Promise<LockedRun> {
  await tx.query(
    `select 1 from jobs.runs
      where run_id = (select coalesce(parent_run_id, run_id) from jobs.runs where run_id = $1) for update`,
    [runId],
  );
  const { rows } = await tx.query<LockedRun>(
    `select run_id as "runId", job, state, parent_run_id as "parentRunId", is_chain as "isChain"
       from jobs.runs where run_id = $1`,
    [runId],
  );
  const run = rows[0];
  if (run === undefined) {
    throw new TicklakeError('NOT_FOUND', `there is no run ${runId}`, {
      remedy: 'List the runs with `ticklake jobs list`; old ones are pruned.',
    });
  }
  return run;
}

/** Ends the run if all its tasks have ended, and then the chain it is a step of if that was the last. */
export async function settleRun(database: Database, runId: string): Promise<void> {
  await database.transaction(async (tx) => {
    const run = await lockRun(tx, runId);
    if (run.state !== 'waiting' && run.state !== 'running') return;
    const { rows } = await tx.query<{ open: number; failed: number; ended: number }>(
      `select count(*) filter (where state in ('waiting', 'running')) as open,
              count(*) filter (where state = 'failed') as failed,
              count(*) filter (where state in ('finished', 'failed', 'cancelled')) as ended
         from jobs.tasks where run_id = $1`,
      [runId],
    );
    const tasks = rows[0];
    if (tasks === undefined || tasks.open > 0 || tasks.ended === 0) return;
    const error = tasks.failed === 0 ? null : await firstError(tx, runId, tasks.failed);
    await endRun(tx, run, tasks.failed === 0 ? 'succeeded' : 'failed', error);
  });
}

/** Ends the runs that nobody came to end, as their worker died between the last task and that. */
export async function settleRuns(database: Database): Promise<void> {
  const { rows } = await database.query<{ run_id: string }>(
    `select r.run_id from jobs.runs r
      where r.state in ('waiting', 'running') and not r.is_chain
        and exists (select 1 from jobs.tasks t where t.run_id = r.run_id)
        and not exists (select 1 from jobs.tasks t where t.run_id = r.run_id and t.state in ('waiting', 'running'))`,
  );
  for (const row of rows) await settleRun(database, row.run_id);
}

/** The run is locked. */
export async function endRun(
  tx: Transaction,
  run: Pick<LockedRun, 'runId' | 'parentRunId'>,
  state: 'succeeded' | 'failed' | 'cancelled',
  error: TicklakeError | null,
): Promise<void> {
  await tx.query(
    `update jobs.runs set state = $2, ended_at = clock_timestamp(), error = $3 where run_id = $1`,
    [run.runId, state, error === null ? null : JSON.stringify(keptError(error))],
  );
  if (run.parentRunId !== null) await settleChain(tx, run.parentRunId);
}

async function settleChain(tx: Transaction, parentId: string): Promise<void> {
  await tx.query(
    `update jobs.runs p
        set state = s.state, ended_at = clock_timestamp(),
            error = (select c.error from jobs.runs c where c.parent_run_id = p.run_id and c.error is not null
                      order by c.step limit 1)
       from (select case when bool_or(state = 'cancelled') then 'cancelled'
                         when bool_or(state = 'failed') then 'failed'
                         else 'succeeded' end as state
               from jobs.runs where parent_run_id = $1
             having bool_and(state not in ('waiting', 'running'))) s
      where p.run_id = $1 and p.state = 'running'`,
    [parentId],
  );
}

async function firstError(tx: Transaction, runId: string, failed: number): Promise<TicklakeError> {
  const { rows } = await tx.query<{ kind: string; key: string; message: string | null }>(
    `select kind, key, error ->> 'message' as message from jobs.tasks
      where run_id = $1 and state = 'failed' order by rank limit 1`,
    [runId],
  );
  const first = rows[0];
  const what =
    first?.kind === 'plan'
      ? 'it could not be planned'
      : `${failed} partitions failed, ${first?.key ?? ''} first`;
  return new TicklakeError('INTERNAL', `${what}: ${first?.message ?? 'no reason is kept'}`, {
    remedy: `Mend the cause, then \`ticklake jobs retry ${runId}\` does what is left.`,
  });
}

/** Plans the runs that have nothing left to wait for; fails those whose required run did not succeed. */
export async function releaseRuns(database: Database, queue: Queue): Promise<void> {
  for (;;) {
    const { rows } = await database.query<{ run_id: string }>(
      `select r.run_id from jobs.runs r
        where r.state = 'waiting' and not r.is_chain
          and not exists (select 1 from jobs.tasks t where t.run_id = r.run_id)
          and not exists (select 1 from jobs.dependencies d join jobs.runs n on n.run_id = d.needs_run_id
                           where d.run_id = r.run_id and n.state in ('waiting', 'running'))
        order by r.enqueued_at limit 100`,
    );
    let failed = 0;
    for (const row of rows) failed += await release(database, queue, row.run_id);
    // A run that fails may release others, to fail as well.
    if (failed === 0) return;
  }
}

/** 1 when it failed the run, as a run it requires did not succeed. */
async function release(database: Database, queue: Queue, runId: string): Promise<number> {
  return await database.transaction(async (tx) => {
    const run = await lockRun(tx, runId);
    if (run.state !== 'waiting') return 0;
    const { rows } = await tx.query<{ run_id: string; job: string; state: RunState; required: boolean }>(
      `select n.run_id, n.job, n.state, d.required
         from jobs.dependencies d join jobs.runs n on n.run_id = d.needs_run_id where d.run_id = $1`,
      [runId],
    );
    // One may have been retried since it was looked for.
    if (rows.some((needed) => needed.state === 'waiting' || needed.state === 'running')) return 0;
    const missing = rows.find((needed) => needed.required && needed.state !== 'succeeded');
    if (missing === undefined) {
      await addPlan(tx, queue, runId, run.job);
      return 0;
    }
    const state = missing.state === 'cancelled' ? 'cancelled' : 'failed';
    const error = new TicklakeError('UNAVAILABLE', `it needs ${missing.job}, which ${missing.state}`, {
      remedy: `\`ticklake jobs retry\` of the whole chain, or of ${missing.run_id} and then of this run.`,
    });
    await endRun(tx, run, state, error);
    return 1;
  });
}
