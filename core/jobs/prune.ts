import type { Database } from '#core/platform/postgres/database.ts';

export interface Retention {
  /** Runs that ended longer ago go; default 90 days. */
  runsMs: number;
  /** Of each job, only so many of the newest runs that ended stay; default 1000. */
  runsPerJob: number;
  /** Ticks decided longer ago go; default 90 days. */
  ticksMs: number;
}

const dayMs = 86_400_000;
const defaults: Retention = { runsMs: 90 * dayMs, runsPerJob: 1_000, ticksMs: 90 * dayMs };
const batchMax = 200;

/** Forgets old history, in small transactions; what has not ended, and steps of chains that stay, are kept. */
export async function pruneHistory(
  database: Database,
  retention: Partial<Retention> = {},
): Promise<{ runs: number; ticks: number }> {
  const { runsMs, runsPerJob, ticksMs } = { ...defaults, ...retention };
  let runs = 0;
  for (;;) {
    const { rowCount } = await database.query(
      `delete from jobs.runs where run_id in (
         select run_id from (
           select run_id, ended_at, row_number() over (partition by job order by ended_at desc) as place
             from jobs.runs
            where parent_run_id is null and state not in ('waiting', 'running')
         ) ended
         where place > $2 or ended_at < clock_timestamp() - $1 * interval '1 millisecond'
         limit $3)`,
      [runsMs, runsPerJob, batchMax],
    );
    runs += rowCount;
    if (rowCount < batchMax) break;
  }
  const ticks = await database.query(
    `delete from jobs.ticks where decided_at < clock_timestamp() - $1 * interval '1 millisecond'`,
    [ticksMs],
  );
  return { runs, ticks: ticks.rowCount };
}
