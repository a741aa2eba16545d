import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { KeptError } from './errors.ts';
import type { RunState } from './settle.ts';
import type { Outcome } from './tasks.ts';

export type PartitionState = 'waiting' | 'running' | 'finished' | 'failed' | 'cancelled';

/** A run as it is shown. Times are ISO 8601 in UTC. */
export interface RunView {
  runId: string;
  job: string;
  params: Record<string, unknown>;
  state: RunState;
  isChain: boolean;
  /** The chain it is a step of. */
  parentRunId: string | null;
  step: number | null;
  requestedBy: string;
  idempotencyKey: string | null;
  enqueuedAt: string;
  startedAt: string | null;
  endedAt: string | null;
  /** Numbers of partitions; of a chain, those of all its steps that are planned. */
  partitions: Record<PartitionState | 'total', number>;
  /** Part that is done, 0 to 1, by weight; null before it is planned. */
  progress: number | null;
  /** Reckoned from what was done since it began or was retried; null while nothing was, and when it has ended. */
  secondsLeft: number | null;
  error: KeptError | null;
}

export interface PartitionView {
  key: string;
  description: string | null;
  state: PartitionState;
  attempts: number;
  weight: number;
  params: Record<string, unknown>;
  progress: { done: number; total: number; unit: string | null } | null;
  committed: Record<string, unknown> | null;
  /** Of the last attempt that did not finish, also while the next one waits until `dueAt`. */
  error: KeptError | null;
  dueAt: string | null;
  startedAt: string | null;
  endedAt: string | null;
}

export interface AttemptView {
  worker: string;
  startedAt: string;
  endedAt: string | null;
  outcome: Outcome | null;
  error: KeptError | null;
}

export interface RunFilter {
  /** These runs, steps as well. */
  runIds?: readonly string[];
  job?: string;
  state?: RunState;
  /** Steps of this chain; without it, steps are left out. */
  parentRunId?: string;
  /** Runs asked for before this one, for paging. */
  before?: string;
  /** Default 50, at most 500. */
  limit?: number;
}

const pageMax = 500;
const viewRuns = sqlFile(import.meta.url, './sql/view-runs.sql');
const viewPartitions = sqlFile(import.meta.url, './sql/view-partitions.sql');

/** Newest first; the steps of a chain in their order. */
export async function listRuns(database: Transaction, filter: RunFilter = {}): Promise<RunView[]> {
  const limit = Math.min(filter.limit ?? 50, pageMax);
  const { rows } = await database.query<RunView>(viewRuns, [
    ...[filter.runIds ?? null, filter.job ?? null, filter.state ?? null, filter.parentRunId ?? null],
    ...[filter.before ?? null, limit],
  ]);
  return rows;
}

/** @throws NOT_FOUND */
export async function showRun(database: Transaction, runId: string): Promise<RunView> {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(runId);
  const { rows } = isId
    ? await database.query<RunView>(viewRuns, [[runId], null, null, null, null, 1])
    : { rows: [] };
  const run = rows[0];
  if (run !== undefined) return run;
  throw new TicklakeError('NOT_FOUND', `there is no run ${runId}`, {
    remedy: 'List the runs with `ticklake jobs list`; old ones are pruned.',
  });
}

/** The partitions of a run in the order in which they are done. */
export async function listPartitions(
  database: Transaction,
  runId: string,
  filter: { state?: PartitionState; offset?: number; limit?: number } = {},
): Promise<PartitionView[]> {
  const limit = Math.min(filter.limit ?? 100, pageMax);
  const { rows } = await database.query<PartitionView>(viewPartitions, [
    ...[runId, filter.state ?? null, filter.offset ?? 0, limit],
  ]);
  return rows;
}

/** The attempts at one partition, oldest first. */
export async function listAttempts(
  database: Transaction,
  runId: string,
  key: string,
): Promise<AttemptView[]> {
  const { rows } = await database.query<AttemptView>(
    `select worker, jobs.iso(started_at) as "startedAt", jobs.iso(ended_at) as "endedAt", outcome, error
       from jobs.attempts where run_id = $1 and kind = 'partition' and key = $2
      order by started_at limit 500`,
    [runId, key],
  );
  return rows;
}

export interface ScheduleView {
  name: string;
  cron: string;
  job: string;
  enabled: boolean;
  /** Every tick up to then has been decided. */
  decidedUntil: string;
  lastTick: { at: string; state: string; reason: string | null; runId: string | null } | null;
}

/** The timetable as the schedulers know it; the next tick is `parseCron(cron).next(now)`. */
export async function listSchedules(database: Transaction): Promise<ScheduleView[]> {
  const { rows } = await database.query<ScheduleView>(
    `select s.name, s.cron, s.job, s.enabled, jobs.iso(s.decided_until) as "decidedUntil",
            (select jsonb_build_object('at', jobs.iso(t.tick_at), 'state', t.state, 'reason', t.reason, 'runId', t.run_id)
               from jobs.ticks t where t.schedule = s.name order by t.tick_at desc limit 1) as "lastTick"
       from jobs.schedules s order by s.name`,
  );
  return rows;
}

export interface WorkerView {
  /** Its machine and process id. */
  name: string;
  startedAt: string;
  /** Partitions and plans that it runs. */
  running: number;
}

/** Workers whose lease is not over: without one, what is asked for waits. */
export async function listWorkers(database: Transaction): Promise<WorkerView[]> {
  const { rows } = await database.query<WorkerView>(
    `select w.name, jobs.iso(w.started_at) as "startedAt",
            (select count(*) from jobs.tasks t where t.worker_id = w.worker_id and t.state = 'running') as running
       from jobs.workers w where w.lease_until > clock_timestamp() order by w.started_at`,
  );
  return rows;
}

export interface TriggerView {
  name: string;
  /** What it acted on last, and the run of it; null where that was only seen. */
  mark: string;
  runId: string | null;
  seenAt: string;
}

/** The triggers as the schedulers know them. */
export async function listTriggers(database: Transaction): Promise<TriggerView[]> {
  const { rows } = await database.query<TriggerView>(
    `select name, mark, run_id as "runId", jobs.iso(seen_at) as "seenAt" from jobs.triggers order by name`,
  );
  return rows;
}
