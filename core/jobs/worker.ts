import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTicklakeError, messageOf, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { Attempt, type AttemptDeps } from './attempt.ts';
import type { Budget } from './budget.ts';
import type { Catalogue } from './catalogue.ts';
import { isJob, type Job } from './job.ts';
import { beat, loseAttempts, reapWorkers, register, unregister } from './lease.ts';
import { markFinished, markUnfinished, untilAnswered } from './mark.ts';
import { pruneHistory, type Retention } from './prune.ts';
import type { Queue } from './queue.ts';
import { releaseRuns, settleRun, settleRuns } from './settle.ts';
import { countWaiting, takeTask } from './tasks.ts';
import { workerMetrics, type WorkerMetrics } from './worker-metrics.ts';

export interface WorkerOptions {
  database: Database;
  queue: Queue;
  /** Jobs with their code; tasks of others are left to other workers. */
  catalogue: Catalogue;
  budget: Budget;
  logger: Logger;
  metrics: Metrics;
  /** Partitions at a time in this process; default 4. */
  concurrency?: number;
  /** Without a beat for so long, another worker takes over; default 10 s. Beats come every tenth of it. */
  leaseMs?: number;
  /** Pause between looks at an empty queue; default 500 ms. */
  pollMs?: number;
  /** How long stopped code may go on; default 10 s. */
  graceMs?: number;
  /** Partitions of one run; default 20,000. */
  partitionsMax?: number;
  /** Times that a partition may be lost with its worker before it counts as what kills them; default 30. */
  lossesMax?: number;
  /** What of the history is kept; pruned once in an hour. */
  retention?: Partial<Retention>;
}

const defaultConcurrency = 4;
const pruneEveryMs = 3_600_000;
const sweepsPerLease = 5;
const beatsPerLease = 10;

/**
 * Takes tasks from the queue and runs them until it is closed. Any number of workers run side by side; one that dies
 * or stands still loses what it ran to another when its lease is over.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #jobs: ReadonlyMap<string, Job>;
  readonly #metrics: WorkerMetrics;
  readonly #attempts = new Map<string, Attempt>();
  readonly #running = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #attemptDeps: AttemptDeps;
  readonly #leaseMs: number;
  readonly #lossesMax: number;
  readonly #loops: Promise<unknown>;
  #workerId: string | undefined;
  #leaseEndsMs = 0;
  #wake = new AbortController();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#jobs = new Map(options.catalogue.cards.filter(isJob).map((job) => [job.name, job]));
    this.#metrics = workerMetrics(options.metrics);
    this.#leaseMs = options.leaseMs ?? 10_000;
    this.#lossesMax = options.lossesMax ?? 30;
    this.#attemptDeps = {
      queue: options.queue,
      budget: options.budget,
      logger: options.logger,
      metrics: options.metrics,
      partitionsMax: options.partitionsMax ?? 20_000,
      graceMs: options.graceMs ?? 10_000,
    };
    this.#loops = Promise.all([
      this.#every(this.#leaseMs / beatsPerLease, 'beat', () => this.#beat()),
      this.#every(this.#leaseMs / sweepsPerLease, 'sweep', () => this.#sweep()),
      this.#every(pruneEveryMs, 'prune', () => this.#prune()),
      this.#takeUntilClosed(),
    ]);
  }

  /** Stops what runs (it is due again at once, for other workers) and takes nothing more. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake.abort();
    this.#stopAll(shutsDown());
    await this.#loops;
    await Promise.all(this.#running);
    if (this.#workerId !== undefined) {
      await unregister(this.#options.database, this.#workerId).catch((error: unknown) => {
        this.#options.logger.warn(
          { reason: messageOf(error) },
          'the worker could not sign off; its lease runs out',
        );
      });
    }
  }

  /** Repeats until closed; what fails is said and tried again. */
  async #every(pauseMs: number, name: string, work: () => Promise<void>): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await work().catch((error: unknown) => {
        this.#metrics.troubles.inc({ loop: name });
        this.#options.logger.warn(
          { err: error, loop: name },
          'a worker of jobs is in trouble; it tries again',
        );
      });
      await this.#rest(pauseMs, this.#closing.signal);
    }
    // While it closes, what it still runs must stay its own.
    while (name === 'beat' && this.#running.size > 0) {
      await work().catch(() => undefined);
      await sleep(pauseMs);
    }
  }

  async #takeUntilClosed(): Promise<void> {
    const { logger } = this.#options;
    const concurrency = this.#options.concurrency ?? defaultConcurrency;
    while (!this.#closing.signal.aborted) {
      let isIdle = true;
      if (this.#workerId !== undefined && this.#running.size < concurrency) {
        isIdle = await this.#takeOne(this.#workerId).catch((error: unknown) => {
          if (isTicklakeError(error, 'FENCED')) this.#loseLease();
          else logger.warn({ err: error }, 'could not take from the job queue; it tries again');
          return true;
        });
      }
      if (isIdle) {
        this.#wake = new AbortController();
        await this.#rest(
          this.#options.pollMs ?? 500,
          AbortSignal.any([this.#wake.signal, this.#closing.signal]),
        );
      }
    }
  }

  /** Whether there was nothing to take. */
  async #takeOne(workerId: string): Promise<boolean> {
    const { database, queue } = this.#options;
    const limits: Record<string, number> = {};
    for (const job of this.#jobs.values()) limits[job.name] = job.concurrency ?? defaultConcurrency;
    const except = await this.#foreignJobs();
    const worker = { workerId, name: `${hostname()}:${process.pid}` };
    const task = await database.transaction((tx) => takeTask(tx, queue, worker, limits, except));
    const job = task === undefined ? undefined : this.#jobs.get(task.job);
    if (task === undefined || job === undefined) return true;
    const attempt = new Attempt(task, this.#attemptDeps);
    this.#attempts.set(task.attemptId, attempt);
    this.#metrics.running.set(this.#attempts.size);
    // What was taken while the lease was lost or the worker closed is another's, or will be.
    if (this.#workerId !== workerId) attempt.stop(leaseLost());
    if (this.#closing.signal.aborted) attempt.stop(shutsDown());
    const running = this.#runAttempt(attempt, job).finally(() => {
      this.#attempts.delete(task.attemptId);
      this.#running.delete(running);
      this.#metrics.running.set(this.#attempts.size);
      this.#wake.abort();
    });
    this.#running.add(running);
    return false;
  }

  /** Jobs that are asked for but unknown here, as they are of another version. */
  async #foreignJobs(): Promise<string[]> {
    const { rows } = await this.#options.database.query<{ job: string }>(
      `select distinct job from jobs.runs where state in ('waiting', 'running') and not is_chain and job <> all($1)`,
      [[...this.#jobs.keys()]],
    );
    return rows.map((row) => row.job);
  }

  async #runAttempt(attempt: Attempt, job: Job): Promise<void> {
    const { logger, database, queue } = this.#options;
    const { task } = attempt;
    const stop = this.#metrics.seconds.startTimer({ job: job.name, kind: task.kind });
    let outcome: string;
    try {
      await noteStart(database, task.runId);
      const done = await attempt.run(job);
      await this.#mark(() => markFinished(this.#options, task, done));
      outcome = 'finished';
    } catch (error) {
      const isInterrupted = attempt.isStopped && !isTicklakeError(error, 'TIMEOUT');
      outcome = await this.#mark(() => markUnfinished(this.#options, task, job, error, isInterrupted)).catch(
        (later: unknown) => {
          logger.warn(
            { err: later, partition: task.key },
            'an attempt could not be marked; its lease runs out',
          );
          return 'unmarked';
        },
      );
    }
    stop();
    this.#metrics.attempts.inc({ job: job.name, kind: task.kind, outcome });
    await settleRun(database, task.runId)
      .then(() => releaseRuns(database, queue))
      .catch((error: unknown) => logger.warn({ err: error }, 'a run is settled by the next sweep'));
  }

  async #mark<T>(mark: () => Promise<T>): Promise<T> {
    return await untilAnswered(mark, () => this.#workerId !== undefined, this.#options.logger);
  }

  async #beat(): Promise<void> {
    const { database, queue } = this.#options;
    const askedMs = performance.now();
    const workerId = this.#workerId;
    if (workerId === undefined) {
      const fresh = randomUUID();
      await register(database, { workerId: fresh, name: `${hostname()}:${process.pid}` }, this.#leaseMs);
      this.#workerId = fresh;
      this.#leaseEndsMs = askedMs + this.#leaseMs;
      return;
    }
    const attempts = [...this.#attempts.values()];
    const progress = attempts.map((attempt) => attempt.takeProgress()).filter((of) => of !== undefined);
    const attemptIds = attempts.map((attempt) => attempt.task.attemptId);
    const found = await beat(database, workerId, this.#leaseMs, attemptIds, progress).catch(
      (error: unknown) => {
        if (performance.now() > this.#leaseEndsMs) this.#loseLease();
        throw error;
      },
    );
    if (found === undefined) {
      this.#loseLease();
      return;
    }
    this.#leaseEndsMs = askedMs + this.#leaseMs;
    for (const attempt of attempts) {
      if (found.held.has(attempt.task.attemptId) || !this.#attempts.has(attempt.task.attemptId)) continue;
      attempt.stop(
        new TicklakeError('FENCED', `${attempt.task.key} was cancelled, or another worker has it`),
      );
    }
    if (found.strays.length > 0) {
      await database.transaction((tx) => loseAttempts(tx, queue, found.strays, this.#lossesMax));
    }
  }

  #loseLease(): void {
    if (this.#workerId === undefined) return;
    this.#options.logger.warn(
      { attempts: this.#attempts.size },
      'this worker has lost its lease; it begins anew',
    );
    this.#metrics.leasesLost.inc();
    this.#workerId = undefined;
    this.#stopAll(leaseLost());
  }

  #stopAll(reason: TicklakeError): void {
    for (const attempt of this.#attempts.values()) attempt.stop(reason);
  }

  async #sweep(): Promise<void> {
    const { database, queue } = this.#options;
    const lost = await reapWorkers(database, queue, this.#lossesMax);
    if (lost > 0) this.#metrics.takenOver.inc(lost);
    await settleRuns(database);
    await releaseRuns(database, queue);
    this.#metrics.waiting.set(await countWaiting(database));
  }

  async #prune(): Promise<void> {
    await pruneHistory(this.#options.database, this.#options.retention);
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  }
}

function leaseLost(): TicklakeError {
  return new TicklakeError('FENCED', 'this worker has lost its lease');
}

function shutsDown(): TicklakeError {
  return new TicklakeError('UNAVAILABLE', 'the worker shuts down');
}

/** The run has begun, if this is its first task. */
async function noteStart(database: Database, runId: string): Promise<void> {
  await database.query(
    `update jobs.runs set state = 'running', started_at = coalesce(started_at, clock_timestamp()),
            resumed_at = clock_timestamp() where run_id = $1 and state = 'waiting'`,
    [runId],
  );
}
