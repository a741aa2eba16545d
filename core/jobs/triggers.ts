import type { Logger } from '#core/platform/logging.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { enqueueRun, type EnqueueDeps } from './enqueue.ts';

/** Asks for a job each time that something has happened, such as a commit. */
export interface Trigger {
  name: string;
  job: string;
  /** The parameters for what has happened. */
  params(mark: string): object;
  /** Names the newest of what happens, such as the id of a table's last commit; undefined before the first. */
  mark(tx: Transaction): Promise<string | undefined>;
}

export interface TriggerDeps extends EnqueueDeps {
  database: Database;
  triggers: readonly Trigger[];
  logger: Logger;
}

/**
 * Looks at each trigger's mark and, where it has changed, asks for its job, once whoever looks. What was there when
 * it was first seen has triggered nothing; several changes between two looks, or during a run, are one.
 */
export async function seeTriggers(deps: TriggerDeps): Promise<void> {
  for (const trigger of deps.triggers) {
    await deps.database
      .transaction((tx) => seeTrigger(tx, deps, trigger))
      .catch((error: unknown) =>
        deps.logger.warn({ err: error, trigger: trigger.name }, 'a trigger is seen later'),
      );
  }
}

async function seeTrigger(tx: Transaction, deps: TriggerDeps, trigger: Trigger): Promise<void> {
  // Locked before the mark is read: whoever looks second sees a mark that is as new, and that it is done.
  const { rows } = await tx.query<{ mark: string }>(
    'select mark from jobs.triggers where name = $1 for update',
    [trigger.name],
  );
  const mark = await trigger.mark(tx);
  const known = rows[0]?.mark;
  if (mark === undefined || mark === known) return;
  if (known === undefined) {
    await tx.query('insert into jobs.triggers (name, mark) values ($1, $2) on conflict do nothing', [
      ...[trigger.name, mark],
    ]);
    return;
  }
  const { runId, outcome } = await enqueueRun(tx, deps, {
    job: trigger.job,
    params: trigger.params(mark),
    requestedBy: `trigger:${trigger.name}`,
  });
  // A run that has begun may not see what has happened since: the next looks ask again until it has ended.
  if (outcome === 'joined' && !(await isWaiting(tx, runId))) return;
  await tx.query(
    'update jobs.triggers set mark = $2, run_id = $3, seen_at = clock_timestamp() where name = $1',
    [trigger.name, mark, runId],
  );
}

async function isWaiting(tx: Transaction, runId: string): Promise<boolean> {
  const { rows } = await tx.query(`select 1 from jobs.runs where run_id = $1 and state = 'waiting'`, [runId]);
  return rows.length > 0;
}
