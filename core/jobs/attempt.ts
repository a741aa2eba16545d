import { setTimeout as sleep } from 'node:timers/promises';
import { TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Budget } from './budget.ts';
import type { Job, Partition, PartitionContext, TaskContext } from './job.ts';
import type { Progress } from './lease.ts';
import type { Queue } from './queue.ts';
import { finishTask, type TakenTask } from './tasks.ts';

export interface AttemptDeps {
  queue: Queue;
  budget: Budget;
  logger: Logger;
  metrics: Metrics;
  partitionsMax: number;
  /** How long code that was told to stop may go on before it is left to itself. */
  graceMs: number;
}

export type Done = { kind: 'plan'; partitions: Partition[] } | { kind: 'partition'; committed: object };

const defaultTimeoutMs = 3_600_000;

/** One attempt at a plan or a partition, in this process. */
export class Attempt {
  readonly task: TakenTask;
  readonly #deps: AttemptDeps;
  readonly #stop = new AbortController();
  #progress: Progress | undefined;
  #hasEnded = false;

  constructor(task: TakenTask, deps: AttemptDeps) {
    this.task = task;
    this.#deps = deps;
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Tells the job's code to stop; the first reason counts. */
  stop(reason: TicklakeError): void {
    this.#stop.abort(reason);
  }

  /** What was said since it was last taken. */
  takeProgress(): Progress | undefined {
    const progress = this.#progress;
    this.#progress = undefined;
    return progress;
  }

  /**
   * Runs the job's code.
   * @throws one of ours: the code's error, or the reason it was stopped for.
   */
  async run(job: Job): Promise<Done> {
    const timeoutMs = job.timeoutMs ?? defaultTimeoutMs;
    const timer = setTimeout(() => {
      this.stop(new TicklakeError('TIMEOUT', `${this.task.key} took longer than ${timeoutMs / 1_000} s`));
    }, timeoutMs);
    try {
      this.#stop.signal.throwIfAborted();
      const code = this.task.kind === 'plan' ? this.#plan(job) : this.#runPartition(job);
      return await Promise.race([code, this.#afterGrace(code)]);
    } catch (error) {
      throw this.isStopped ? toTicklakeError(this.#stop.signal.reason) : toTicklakeError(error);
    } finally {
      this.#hasEnded = true;
      clearTimeout(timer);
    }
  }

  async #plan(job: Job): Promise<Done> {
    const partitions = await job.plan(this.task.params, this.#context());
    assertPlan(job.name, partitions, this.#deps.partitionsMax);
    const ordered = partitions
      .map((partition, index) => ({ partition, order: partition.order ?? index, index }))
      .sort((a, b) => a.order - b.order || a.index - b.index);
    return { kind: 'plan', partitions: ordered.map(({ partition }) => partition) };
  }

  async #runPartition(job: Job): Promise<Done> {
    const { task } = this;
    const context: PartitionContext = {
      ...this.#context(),
      key: task.key,
      finish: async (tx, committed) => await finishTask(tx, this.#deps.queue, task, committed),
    };
    const partition = {
      key: task.key,
      weight: task.weight,
      params: task.params,
      ...(task.description === null ? {} : { description: task.description }),
    };
    return { kind: 'partition', committed: await job.run(partition, context) };
  }

  #context(): TaskContext {
    const { task } = this;
    return {
      runId: task.runId,
      job: task.job,
      attempt: task.failures + task.losses + 1,
      logger: this.#deps.logger.child({ job: task.job, run: task.runId, partition: task.key }),
      metrics: this.#deps.metrics,
      signal: this.#stop.signal,
      budget: this.#deps.budget,
      progress: (done, total, unit) => {
        this.#progress = { attemptId: task.attemptId, done, total, unit: unit ?? null };
      },
    };
  }

  /** Code that does not heed its signal is not waited for: whatever it still does, it can mark nothing. */
  async #afterGrace(code: Promise<unknown>): Promise<never> {
    const { signal } = this.#stop;
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    await sleep(this.#deps.graceMs, undefined, { ref: false });
    if (!this.#hasEnded) {
      const { logger } = this.#deps;
      logger.warn({ partition: this.task.key }, 'code that does not heed its signal is left to itself');
      code.catch((error: unknown) => logger.info({ err: error }, 'code that was left to itself has failed'));
    }
    throw toTicklakeError(signal.reason);
  }
}

function assertPlan(job: string, partitions: readonly Partition[], partitionsMax: number): void {
  if (partitions.length > partitionsMax) {
    throw new TicklakeError(
      'BAD_REQUEST',
      `${job} has ${partitions.length} partitions, more than the ${partitionsMax} of one run`,
      { remedy: 'Ask for less at a time: fewer symbols, or a shorter span.' },
    );
  }
  const seen = new Set<string>();
  for (const { key, weight } of partitions) {
    if (seen.has(key)) throw new TicklakeError('INTERNAL', `${job} has two partitions ${key}`);
    if (weight !== undefined && !(weight > 0)) {
      throw new TicklakeError('INTERNAL', `partition ${key} of ${job} has the weight ${weight}`);
    }
    seen.add(key);
  }
}
