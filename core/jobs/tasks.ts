import { randomUUID } from 'node:crypto';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { keptError } from './errors.ts';
import type { Partition } from './job.ts';
import type { Queue } from './queue.ts';

export type TaskKind = 'plan' | 'partition';
export type Outcome = 'finished' | 'failed' | 'lost' | 'interrupted' | 'cancelled';

/** A task as the worker that took it knows it. The attempt's id is the token without which nothing is marked. */
export interface TakenTask {
  attemptId: string;
  runId: string;
  job: string;
  kind: TaskKind;
  key: string;
  description: string | null;
  rank: number;
  weight: number;
  params: Record<string, unknown>;
  failures: number;
  losses: number;
}

const planKey = 'plan';
/** Plans are short and others wait for them. */
const planPriority = 1_000_000;
const committedBytesMax = 64 * 1024;

/** The run's plan becomes a task that is due. */
export async function addPlan(tx: Transaction, queue: Queue, runId: string, job: string): Promise<void> {
  const attemptId = randomUUID();
  const { rowCount } = await tx.query(
    `insert into jobs.tasks (run_id, kind, key, rank, state, attempt_id, due_at)
     values ($1, 'plan', $2, 0, 'waiting', $3, clock_timestamp())
     on conflict do nothing`,
    [runId, planKey, attemptId],
  );
  if (rowCount > 0) await queue.send(tx, [{ attemptId, job, priority: planPriority, delayMs: 0 }]);
}

/** Partitions in the order in which they are to be done. */
export async function addPartitions(
  tx: Transaction,
  queue: Queue,
  { runId, job }: { runId: string; job: string },
  partitions: readonly Partition[],
): Promise<void> {
  const rows = partitions.map((partition, rank) => ({
    key: partition.key,
    rank,
    weight: partition.weight ?? 1,
    description: partition.description ?? null,
    params: partition.params,
    attempt_id: randomUUID(),
  }));
  await tx.query(
    `insert into jobs.tasks (run_id, kind, key, rank, weight, description, params, state, attempt_id, due_at)
     select $1, 'partition', key, rank, weight, description, params, 'waiting', attempt_id, clock_timestamp()
       from jsonb_to_recordset($2) as p(key text, rank integer, weight double precision, description text,
                                        params jsonb, attempt_id uuid)`,
    [runId, JSON.stringify(rows)],
  );
  await queue.send(
    tx,
    rows.map((row) => ({ attemptId: row.attempt_id, job, priority: -row.rank, delayMs: 0 })),
  );
}

/**
 * Takes the task that is due first for this worker, or nothing.
 * @throws FENCED when the worker has lost its lease.
 */
export async function takeTask(
  tx: Transaction,
  queue: Queue,
  worker: { workerId: string; name: string },
  limits: Readonly<Record<string, number>>,
  except: readonly string[],
): Promise<TakenTask | undefined> {
  const attemptId = await queue.take(tx, limits, except);
  if (attemptId === undefined) return undefined;
  const held = await tx.query('select 1 from jobs.workers where worker_id = $1 for key share', [
    worker.workerId,
  ]);
  if (held.rowCount === 0) throw new TicklakeError('FENCED', 'this worker has lost its lease');
  const { rows } = await tx.query<TakenTask>(
    `update jobs.tasks t
        set state = 'running', worker_id = $2, started_at = clock_timestamp(), ended_at = null, error = null,
            done = null, total = null, unit = null
       from jobs.runs r
      where t.attempt_id = $1 and t.state = 'waiting' and r.run_id = t.run_id
      returning t.attempt_id as "attemptId", t.run_id as "runId", r.job, t.kind, t.key, t.description, t.rank,
                t.weight, coalesce(t.params, r.params) as params, t.failures, t.losses`,
    [attemptId, worker.workerId],
  );
  const task = rows[0];
  if (task === undefined) {
    await queue.remove(tx, [attemptId]);
    return undefined;
  }
  await tx.query(
    'insert into jobs.attempts (attempt_id, run_id, kind, key, worker) values ($1, $2, $3, $4, $5)',
    [attemptId, task.runId, task.kind, task.key, worker.name],
  );
  return task;
}

/** @throws FENCED when the task is no longer this attempt's, BAD_REQUEST when too much is committed. */
export async function finishTask(
  tx: Transaction,
  queue: Queue,
  task: Pick<TakenTask, 'attemptId' | 'kind' | 'key'>,
  committed: object | undefined,
): Promise<void> {
  const text = committed === undefined ? null : JSON.stringify(committed);
  if (text !== null && Buffer.byteLength(text) > committedBytesMax) {
    throw new TicklakeError(
      'BAD_REQUEST',
      `${task.key} committed more than ${committedBytesMax} bytes of JSON`,
    );
  }
  await queue.remove(tx, [task.attemptId]);
  const { rowCount } = await tx.query(
    `update jobs.tasks
        set state = 'finished', committed = $2, worker_id = null, ended_at = clock_timestamp(), done = total
      where attempt_id = $1 and state = 'running'`,
    [task.attemptId, text],
  );
  if (rowCount === 0) throw fenced(task.key);
  await endAttempt(tx, task.attemptId, 'finished');
}

/** What a failed or broken-off attempt leads to. */
export type Next = { retryInMs: number } | 'fail';

/** Ends an attempt that did not finish; answers whether it was still this attempt's. */
export async function endUnfinished(
  tx: Transaction,
  queue: Queue,
  task: Pick<TakenTask, 'attemptId' | 'job' | 'kind' | 'rank'>,
  outcome: 'failed' | 'lost' | 'interrupted',
  next: Next,
  error: unknown,
): Promise<boolean> {
  const isOver = next === 'fail';
  const nextAttempt = isOver ? task.attemptId : randomUUID();
  const delayMs = isOver ? 0 : next.retryInMs;
  const kept = JSON.stringify(keptError(error));
  await queue.remove(tx, [task.attemptId]);
  const { rowCount } = await tx.query(
    `update jobs.tasks
        set state = case when $3 then 'failed' else 'waiting' end,
            attempt_id = $2, worker_id = null, error = $4,
            failures = failures + ($5 = 'failed')::int,
            losses = losses + ($5 = 'lost')::int,
            due_at = clock_timestamp() + $6 * interval '1 millisecond',
            ended_at = case when $3 then clock_timestamp() end
      where attempt_id = $1 and state = 'running'`,
    [task.attemptId, nextAttempt, isOver, kept, outcome, delayMs],
  );
  if (rowCount === 0) return false;
  await endAttempt(tx, task.attemptId, outcome, kept);
  if (!isOver) {
    const priority = task.kind === 'plan' ? planPriority : -task.rank;
    await queue.send(tx, [{ attemptId: nextAttempt, job: task.job, priority, delayMs }]);
  }
  return true;
}

async function endAttempt(
  tx: Transaction,
  attemptId: string,
  outcome: Outcome,
  error?: string,
): Promise<void> {
  await tx.query(
    `update jobs.attempts set ended_at = clock_timestamp(), outcome = $2, error = $3
      where attempt_id = $1 and outcome is null`,
    [attemptId, outcome, error ?? null],
  );
}

/** Ends all tasks of a run that have not ended, unfinished. The run is locked. */
export async function cancelTasks(tx: Transaction, queue: Queue, runId: string): Promise<void> {
  const { rows } = await tx.query<{ attempt_id: string }>(
    `select attempt_id from jobs.tasks where run_id = $1 and state in ('waiting', 'running')`,
    [runId],
  );
  await queue.remove(
    tx,
    rows.map((row) => row.attempt_id),
  );
  const cancelled = await tx.query<{ attempt_id: string }>(
    `update jobs.tasks set state = 'cancelled', worker_id = null, ended_at = clock_timestamp()
      where run_id = $1 and state in ('waiting', 'running')
      returning attempt_id`,
    [runId],
  );
  await tx.query(
    `update jobs.attempts set ended_at = clock_timestamp(), outcome = 'cancelled'
      where attempt_id = any($1) and outcome is null`,
    [cancelled.rows.map((row) => row.attempt_id)],
  );
}

/** Makes all tasks of a run that failed or were cancelled due again, with all attempts before them. */
export async function reviveTasks(tx: Transaction, queue: Queue, runId: string, job: string): Promise<void> {
  const { rows } = await tx.query<{ attempt_id: string; kind: TaskKind; rank: number }>(
    `update jobs.tasks
        set state = 'waiting', attempt_id = gen_random_uuid(), failures = 0, losses = 0, ended_at = null, error = null,
            due_at = clock_timestamp()
      where run_id = $1 and state in ('failed', 'cancelled')
      returning attempt_id, kind, rank`,
    [runId],
  );
  await queue.send(
    tx,
    rows.map((row) => ({
      attemptId: row.attempt_id,
      job,
      priority: row.kind === 'plan' ? planPriority : -row.rank,
      delayMs: 0,
    })),
  );
}

export async function countWaiting(database: Transaction): Promise<number> {
  const { rows } = await database.query<{ waiting: number }>(
    `select count(*) as waiting from jobs.tasks t join jobs.runs r using (run_id)
      where r.state in ('waiting', 'running') and t.state = 'waiting'`,
  );
  return rows[0]?.waiting ?? 0;
}

function fenced(key: string): TicklakeError {
  return new TicklakeError(
    'FENCED',
    `${key} is no longer this attempt's: it was cancelled, or another worker has it`,
  );
}
