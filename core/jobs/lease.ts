import { TicklakeError } from '#core/platform/errors.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Queue } from './queue.ts';
import { endUnfinished, type TakenTask } from './tasks.ts';

/** How far a running attempt is. */
export interface Progress {
  attemptId: string;
  done: number;
  total: number;
  unit: string | null;
}

const beatSql = sqlFile(import.meta.url, './sql/beat.sql');

/** Makes a worker known, with a lease that it must renew. */
export async function register(
  database: Database,
  worker: { workerId: string; name: string },
  leaseMs: number,
): Promise<void> {
  await database.query(
    `insert into jobs.workers (worker_id, name, lease_until)
     values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')`,
    [worker.workerId, worker.name, leaseMs],
  );
}

/** What a beat finds. */
export interface Beat {
  /** Of the worker's attempts, those that it holds still, or has finished. */
  held: Set<string>;
  /** Attempts that are the worker's but that it does not know, as the answer to its taking them was lost. */
  strays: string[];
}

/** Renews the lease and writes progress; undefined when the lease is lost for good, as another has taken over. */
export async function beat(
  database: Database,
  workerId: string,
  leaseMs: number,
  attemptIds: readonly string[],
  progress: readonly Progress[],
): Promise<Beat | undefined> {
  const { rows } = await database.query<{ is_known: boolean; held: string[]; strays: string[] }>(beatSql, [
    workerId,
    leaseMs,
    attemptIds,
    progress.map((of) => of.attemptId),
    progress.map((of) => of.done),
    progress.map((of) => of.total),
    progress.map((of) => of.unit),
  ]);
  const answer = rows[0];
  return answer?.is_known === true ? { held: new Set(answer.held), strays: answer.strays } : undefined;
}

/** A worker that holds nothing any more goes. */
export async function unregister(database: Database, workerId: string): Promise<void> {
  await database.query(
    `delete from jobs.workers w where worker_id = $1
       and not exists (select 1 from jobs.tasks t where t.worker_id = w.worker_id)`,
    [workerId],
  );
}

/**
 * Takes what they were running from workers whose lease is over: it is due again at once, unless it was lost so often
 * that it must be what kills them. Answers how many attempts were lost.
 */
export async function reapWorkers(database: Database, queue: Queue, lossesMax: number): Promise<number> {
  return await database.transaction(async (tx) => {
    const dead = await tx.query<{ worker_id: string }>(
      'select worker_id from jobs.workers where lease_until < clock_timestamp() for update skip locked',
    );
    const ids = dead.rows.map((row) => row.worker_id);
    if (ids.length === 0) return 0;
    const { rows } = await tx.query<{ attempt_id: string }>(
      `select attempt_id from jobs.tasks where worker_id = any($1) and state = 'running'`,
      [ids],
    );
    const attemptIds = rows.map((row) => row.attempt_id);
    const lost = await loseAttempts(tx, queue, attemptIds, lossesMax);
    await tx.query('delete from jobs.workers where worker_id = any($1)', [ids]);
    return lost;
  });
}

/** Makes attempts that nobody is at any more due again; answers how many were. */
export async function loseAttempts(
  tx: Transaction,
  queue: Queue,
  attemptIds: readonly string[],
  lossesMax: number,
): Promise<number> {
  const { rows } = await tx.query<Pick<TakenTask, 'attemptId' | 'job' | 'kind' | 'key' | 'rank' | 'losses'>>(
    `select t.attempt_id as "attemptId", r.job, t.kind, t.key, t.rank, t.losses
       from jobs.tasks t join jobs.runs r using (run_id)
      where t.attempt_id = any($1) and t.state = 'running'
      order by t.attempt_id`,
    [attemptIds],
  );
  let lost = 0;
  for (const task of rows) {
    const next = task.losses + 1 >= lossesMax ? 'fail' : { retryInMs: 0 };
    const error = new TicklakeError('UNAVAILABLE', `the worker that ran ${task.key} died or lost its lease`);
    if (await endUnfinished(tx, queue, task, 'lost', next, error)) lost += 1;
  }
  return lost;
}
