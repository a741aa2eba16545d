import type { Static, TSchema } from 'typebox';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import type { Budget } from './budget.ts';

/** What happens when a job is asked for while a run of the same job and parameters goes on. */
export type WhenRunning = 'join' | 'refuse' | 'allow';

/** What anyone who asks for a job must know of it; no code of the job itself. */
export interface JobCard {
  /** Words with hyphens, like `backfill-klines`. */
  name: string;
  description: string;
  /** A TypeBox object: the check of the parameters, their defaults and their documentation. */
  parameters: TSchema;
  /** Default `join`: who asks again gets the run that goes on. */
  whenRunning?: WhenRunning;
  /** A run waits for those runs of these jobs that were asked for before it, whatever becomes of them. */
  after?: readonly string[];
}

/** A part of a run that is done once, by one worker at a time. */
export interface Partition<P extends object = object> {
  /** Unique in the run, like `BTCUSDT/1m/2024-03`. */
  key: string;
  description?: string;
  /** Share of the work, for progress and time left; default 1. */
  weight?: number;
  /** Lower is done first; default the plan's own order. */
  order?: number;
  params: P;
}

export interface TaskContext {
  readonly runId: string;
  readonly job: string;
  /** 1 for the first; attempts that were lost with their worker count too. */
  readonly attempt: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Aborted by cancel, shutdown, time-out, and when the lease is lost: what is done from then on does not count. */
  readonly signal: AbortSignal;
  readonly budget: Budget;
  /** How far it is; kept in memory and written about once a second. */
  progress(done: number, total: number, unit?: string): void;
}

export interface PartitionContext extends TaskContext {
  readonly key: string;
  /**
   * Marks the partition finished in the caller's own transaction, so that its effect and the mark are one; for the
   * guard of a lake commit. `run` then returns the same. Safe to call again when that transaction is tried again.
   * @throws FENCED when the partition is no longer this attempt's: let it undo the transaction.
   */
  finish(tx: Transaction, committed: object): Promise<void>;
}

/** A job as workers run it. */
export interface Job<S extends TSchema = TSchema, P extends object = object> extends JobCard {
  parameters: S;
  /** What there is to do. No partitions is a run that succeeds at once. Not retryable errors fail the run. */
  plan(params: Static<S>, context: TaskContext): Promise<Partition<P>[]>;
  /**
   * Does one partition. It may be begun again after a kill, so what it writes must replace, or be committed
   * together with {@link PartitionContext.finish}. Returns what it committed: rows, snapshots; at most 64 KiB of JSON.
   */
  run(partition: Partition<P>, context: PartitionContext): Promise<object>;
  /** Partitions of this job at a time, of all runs and workers together; default 4. */
  concurrency?: number;
  /** Attempts of one partition that may fail, the first included; default 5. Only retryable errors are tried again. */
  attempts?: number;
  /** Wait before the next attempt: doubles from `firstMs` (default 1000) to `maxMs` (default 60,000), with jitter. */
  backOff?: { firstMs?: number; maxMs?: number };
  /** Longest time of one attempt; default 1 hour. */
  timeoutMs?: number;
}

/** Jobs that are done one after the other, as one run: a step is planned when the one before has succeeded. */
export interface Chain<S extends TSchema = TSchema> extends JobCard {
  parameters: S;
  steps(params: Static<S>): { job: string; params: object }[];
}

/** A job with the types of its parameters and partitions tied together. */
export function defineJob<S extends TSchema, P extends object>(job: Job<S, P>): Job<S, P> {
  return job;
}

export function defineChain<S extends TSchema>(chain: Chain<S>): Chain<S> {
  return chain;
}

export function isChain(card: JobCard): card is Chain {
  return 'steps' in card;
}

export function isJob(card: JobCard): card is Job {
  return 'run' in card;
}
