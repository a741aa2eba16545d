import { randomUUID } from 'node:crypto';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import type { Catalogue, Checked } from './catalogue.ts';
import { isChain, type Chain, type JobCard, type WhenRunning } from './job.ts';
import type { Queue } from './queue.ts';
import { addPlan } from './tasks.ts';

export interface RunRequest {
  job: string;
  params?: unknown;
  /** Who asks, for the history: `cli`, `api`, `schedule:nightly`. */
  requestedBy: string;
  /** Asking again with the same key gives the same run, as long as the history holds it. */
  idempotencyKey?: string;
  /** Instead of the job's own word. */
  whenRunning?: WhenRunning;
}

export interface Enqueued {
  runId: string;
  /** `repeated`: the idempotency key's run; `joined`: the run of the same job and parameters that goes on. */
  outcome: 'created' | 'repeated' | 'joined';
}

export interface EnqueueDeps {
  catalogue: Catalogue;
  queue: Queue;
  /** Runs that may wait to be planned. */
  waitingRunsMax: number;
}

const keyCharsMax = 200;
const triesMax = 5;

/**
 * Asks for a run, in the caller's transaction.
 * @throws NOT_FOUND, BAD_REQUEST for wrong parameters, CONFLICT when the idempotency key stands for another request or
 *   when the job refuses to be asked for while it runs, OVERLOADED when too many runs wait.
 */
export async function enqueueRun(tx: Transaction, deps: EnqueueDeps, request: RunRequest): Promise<Enqueued> {
  if ((request.idempotencyKey?.length ?? 0) > keyCharsMax) {
    throw new TicklakeError('BAD_REQUEST', `an idempotency key has at most ${keyCharsMax} characters`);
  }
  const card = deps.catalogue.find(request.job);
  const checked = deps.catalogue.check(request.job, request.params);
  const whenRunning = request.whenRunning ?? card.whenRunning ?? 'join';
  if (request.idempotencyKey !== undefined) {
    // Requests with one key take turns, so that the second finds what the first did.
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('ticklake.jobs.key ' || $1, 0))`, [
      request.idempotencyKey,
    ]);
  }
  // The run that stands in the way may end between two looks.
  for (let tries = 1; tries <= triesMax; tries++) {
    const before = await findBefore(tx, request, checked, whenRunning);
    if (before !== undefined) return before;
    const runId = await insertRun(tx, deps, card, checked, request, whenRunning);
    if (runId !== undefined) return { runId, outcome: 'created' };
  }
  throw new TicklakeError('CONFLICT', `${request.job} is being asked for by many at once`);
}

async function findBefore(
  tx: Transaction,
  request: RunRequest,
  checked: Checked,
  whenRunning: WhenRunning,
): Promise<Enqueued | undefined> {
  if (request.idempotencyKey !== undefined) {
    const { rows } = await tx.query<{ run_id: string; job: string; params_hash: string }>(
      `select run_id, job, params_hash from jobs.runs where idempotency_key = $1
       union all select run_id, job, params_hash from jobs.request_keys where idempotency_key = $1`,
      [request.idempotencyKey],
    );
    const known = rows[0];
    if (known !== undefined) {
      if (known.job === request.job && known.params_hash === checked.hash) {
        return { runId: known.run_id, outcome: 'repeated' };
      }
      throw new TicklakeError('CONFLICT', `this idempotency key stands for another run, ${known.run_id}`, {
        remedy: 'Choose a new key for a new request.',
        context: { runId: known.run_id },
      });
    }
  }
  if (whenRunning === 'allow') return undefined;
  const { rows } = await tx.query<{ run_id: string }>(
    `select run_id from jobs.runs where active_key = $1 and state in ('waiting', 'running')`,
    [activeKey(request.job, checked)],
  );
  const active = rows[0];
  if (active === undefined) return undefined;
  if (whenRunning === 'join') {
    await rememberKey(tx, request, checked, active.run_id);
    return { runId: active.run_id, outcome: 'joined' };
  }
  throw new TicklakeError(
    'CONFLICT',
    `${request.job} runs already with these parameters, as ${active.run_id}`,
    {
      remedy: 'Wait for that run, or cancel it.',
      context: { runId: active.run_id },
    },
  );
}

/** A run has one key of its own; those who joined it may have others. */
async function rememberKey(
  tx: Transaction,
  request: RunRequest,
  checked: Checked,
  runId: string,
): Promise<void> {
  if (request.idempotencyKey === undefined) return;
  await tx.query(
    'insert into jobs.request_keys (idempotency_key, run_id, job, params_hash) values ($1, $2, $3, $4)',
    [request.idempotencyKey, runId, request.job, checked.hash],
  );
}

/** The new run, or undefined when another got in between. */
async function insertRun(
  tx: Transaction,
  deps: EnqueueDeps,
  card: JobCard,
  checked: Checked,
  request: RunRequest,
  whenRunning: WhenRunning,
): Promise<string | undefined> {
  // Everything that can be refused is, before anything is written: the caller may go on with its transaction.
  const steps = isChain(card) ? checkSteps(deps.catalogue, card, checked.params) : undefined;
  await assertRoom(tx, deps.waitingRunsMax);
  const { rows } = await tx.query<{ run_id: string }>(
    `insert into jobs.runs (job, params, params_hash, state, is_chain, active_key, idempotency_key, requested_by,
                            started_at, resumed_at)
     values ($1, $2, $3, case when $4 then 'running' else 'waiting' end, $4, $5, $6, $7,
             case when $4 then clock_timestamp() end, case when $4 then clock_timestamp() end)
     on conflict do nothing
     returning run_id`,
    [
      ...[card.name, JSON.stringify(checked.params), checked.hash, isChain(card)],
      ...[whenRunning === 'allow' ? null : activeKey(card.name, checked)],
      ...[request.idempotencyKey ?? null, request.requestedBy],
    ],
  );
  const runId = rows[0]?.run_id;
  if (runId === undefined) return undefined;
  if (steps !== undefined) await insertSteps(tx, deps.queue, steps, runId, request.requestedBy);
  else await planWhenDue(tx, deps.queue, card, runId);
  return runId;
}

interface Step {
  card: JobCard;
  checked: Checked;
}

function checkSteps(catalogue: Catalogue, chain: Chain, params: Record<string, unknown>): Step[] {
  const steps = chain.steps(params).map((step) => ({
    card: catalogue.find(step.job),
    checked: catalogue.check(step.job, step.params),
  }));
  if (steps.length === 0 || steps.some(({ card }) => isChain(card))) {
    throw new TicklakeError('INTERNAL', `the chain ${chain.name} needs steps, none of them a chain`);
  }
  return steps;
}

async function insertSteps(
  tx: Transaction,
  queue: Queue,
  steps: readonly Step[],
  parentId: string,
  requestedBy: string,
): Promise<void> {
  let before: string | undefined;
  for (const [step, { card, checked }] of steps.entries()) {
    const runId = randomUUID();
    await tx.query(
      `insert into jobs.runs (run_id, job, params, params_hash, state, parent_run_id, step, requested_by)
       values ($1, $2, $3, $4, 'waiting', $5, $6, $7)`,
      [runId, card.name, JSON.stringify(checked.params), checked.hash, parentId, step, requestedBy],
    );
    if (before !== undefined) {
      await tx.query('insert into jobs.dependencies (run_id, needs_run_id, required) values ($1, $2, true)', [
        runId,
        before,
      ]);
    }
    await planWhenDue(tx, queue, card, runId);
    before = runId;
  }
}

/** The run waits for those of the jobs it comes after; one that waits for nothing is planned at once. */
async function planWhenDue(tx: Transaction, queue: Queue, card: JobCard, runId: string): Promise<void> {
  await tx.query(
    `insert into jobs.dependencies (run_id, needs_run_id, required)
     select $1, run_id, false from jobs.runs
      where job = any($2) and state in ('waiting', 'running') and run_id <> $1
     on conflict do nothing`,
    [runId, [...(card.after ?? [])]],
  );
  const { rows } = await tx.query('select 1 from jobs.dependencies where run_id = $1 limit 1', [runId]);
  if (rows.length === 0) await addPlan(tx, queue, runId, card.name);
}

async function assertRoom(tx: Transaction, waitingRunsMax: number): Promise<void> {
  const { rows } = await tx.query<{ waiting: number }>(
    `select count(*) as waiting from jobs.runs where state = 'waiting'`,
  );
  if ((rows[0]?.waiting ?? 0) < waitingRunsMax) return;
  throw new TicklakeError('OVERLOADED', `${waitingRunsMax} runs wait already`, {
    remedy: 'Wait until some have ended, or cancel some; is a worker running?',
  });
}

function activeKey(job: string, checked: Checked): string {
  return `${job}:${checked.hash}`;
}
