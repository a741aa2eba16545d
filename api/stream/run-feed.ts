import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded } from '#core/jobs/follow.ts';
import { listRuns, type RunView } from '#core/jobs/views.ts';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import type { RunProgress } from '../schemas/jobs.ts';
import type { Frame } from './frames.ts';
import { allRuns, runIdOf, type RunChannel } from './run-channel.ts';

/** Somebody who is told how runs go on. */
export interface RunSubscriber {
  /** Hands over one message; never waits. */
  send(frame: Frame): void;
}

export interface RunFeedOptions {
  database: Transaction;
  logger: Logger;
  metrics: Metrics;
  /** Pause between looks; default 500 ms. */
  pollMs?: number;
  /** Requests that may wait for the end of runs; default 100. */
  waitersMax?: number;
}

interface Waiter {
  runId: string;
  resolve: (nothing: undefined) => void;
}

interface Joining {
  subscriber: RunSubscriber;
  channel: RunChannel;
  resolve: () => void;
  reject: (error: unknown) => void;
}

interface Channel {
  subscribers: Set<RunSubscriber>;
  /** What was told last of each run, and whether it went on then. */
  told: Map<string, { text: string; isOpen: boolean }>;
}

const followedRunsMax = 200;
const activeRunsMax = 100;
const newestRuns = 20;
const stepsMax = 100;

/**
 * Looks at the runs that somebody asks about, twice a second however many ask, and tells what has changed. While nobody
 * asks it does nothing.
 */
export class RunFeed {
  readonly #options: RunFeedOptions;
  readonly #metrics: ReturnType<typeof feedMetrics>;
  readonly #channels = new Map<RunChannel, Channel>();
  readonly #waiters = new Set<Waiter>();
  readonly #closing = new AbortController();
  #joining: Joining[] = [];
  #running: Promise<void> | undefined;

  constructor(options: RunFeedOptions) {
    this.#options = options;
    this.#metrics = feedMetrics(options.metrics);
  }

  /**
   * Sends the channel's runs as they are, then, at each look, those that have changed.
   * @throws NOT_FOUND for a run that is not there, OVERLOADED when too many runs are followed, what Postgres throws.
   */
  async subscribe(subscriber: RunSubscriber, channel: RunChannel): Promise<void> {
    this.#assertRoom(runIdOf(channel));
    await new Promise<void>((resolve, reject) => {
      this.#joining.push({ subscriber, channel, resolve, reject });
      this.#start();
    });
  }

  unsubscribe(subscriber: RunSubscriber, name: RunChannel): void {
    const channel = this.#channels.get(name);
    channel?.subscribers.delete(subscriber);
    if (channel?.subscribers.size === 0) this.#channels.delete(name);
    this.#show();
  }

  /** Ends all that the subscriber asked for. */
  remove(subscriber: RunSubscriber): void {
    for (const joining of this.#joining) if (joining.subscriber === subscriber) joining.resolve();
    this.#joining = this.#joining.filter((joining) => joining.subscriber !== subscriber);
    for (const name of [...this.#channels.keys()]) this.unsubscribe(subscriber, name);
  }

  /**
   * Waits until the run has ended, so many milliseconds at most, or until the signal is aborted or the feed closed.
   * @throws OVERLOADED when too many wait already.
   */
  async untilEnded(
    runId: string,
    { waitMs, signal }: { waitMs: number; signal: AbortSignal },
  ): Promise<void> {
    if (waitMs === 0) return;
    const { waitersMax = 100 } = this.#options;
    if (this.#waiters.size >= waitersMax) {
      throw new TicklakeError('OVERLOADED', `${waitersMax} requests wait for runs already`, {
        remedy: 'Ask without `wait` every few seconds, or follow the run on the stream.',
      });
    }
    this.#assertRoom(runId);
    const over = AbortSignal.any([signal, this.#closing.signal, AbortSignal.timeout(waitMs)]);
    if (over.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const waiter: Waiter = { runId: runId.toLowerCase(), resolve };
    over.addEventListener('abort', () => resolve(undefined), { once: true });
    this.#waiters.add(waiter);
    this.#start();
    await promise;
    this.#waiters.delete(waiter);
    this.#show();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    for (const joining of this.#joining) joining.resolve();
    this.#channels.clear();
  }

  #start(): void {
    this.#show();
    this.#running ??= this.#lookWhileAsked().finally(() => (this.#running = undefined));
  }

  async #lookWhileAsked(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted && this.#channels.size + this.#joining.length + this.#waiters.size > 0) {
      const joining = this.#joining;
      this.#joining = [];
      try {
        const stop = this.#metrics.seconds.startTimer();
        const runs = await this.#look(joining);
        stop();
        this.#tell(runs, joining);
      } catch (error) {
        this.#metrics.failures.inc();
        this.#options.logger.warn({ reason: messageOf(error) }, 'the runs cannot be read, trying again');
        for (const { reject } of joining) reject(error);
      }
      await sleep(this.#options.pollMs ?? 500, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Runs by id: those that are followed with their steps, and, where all are, those that go on and the newest. */
  async #look(joining: readonly Joining[]): Promise<Map<string, RunView>> {
    const { database } = this.#options;
    const followed = this.#followed(joining);
    const found: RunView[] = [];
    if (this.#channels.has(allRuns) || joining.some(({ channel }) => channel === allRuns)) {
      found.push(...(await listRuns(database, { limit: newestRuns })));
      found.push(...(await listRuns(database, { state: 'running', limit: activeRunsMax })));
      found.push(...(await listRuns(database, { state: 'waiting', limit: activeRunsMax })));
      const known = new Set(found.map(({ runId }) => runId));
      for (const [id, { isOpen }] of this.#channels.get(allRuns)?.told ?? []) {
        if (isOpen && !known.has(id)) followed.add(id);
      }
    }
    if (followed.size > 0) {
      const some = await listRuns(database, { runIds: [...followed], limit: followed.size });
      found.push(...some);
      for (const { runId, isChain } of some) {
        if (isChain) found.push(...(await listRuns(database, { parentRunId: runId, limit: stepsMax })));
      }
    }
    return new Map(found.map((run) => [run.runId, run]));
  }

  #tell(runs: ReadonlyMap<string, RunView>, joining: readonly Joining[]): void {
    for (const waiter of this.#waiters) {
      const run = runs.get(waiter.runId);
      if (run !== undefined && hasEnded(run)) waiter.resolve(undefined);
    }
    for (const [name, channel] of this.#channels) {
      const changed = changesOf(channel, runsOf(name, runs));
      if (changed.length === 0) continue;
      const frame = Buffer.from(frameText('update', name, changed));
      for (const subscriber of channel.subscribers) subscriber.send(frame);
    }
    for (const { subscriber, channel: name, resolve, reject } of joining) {
      const of = runsOf(name, runs);
      const runId = runIdOf(name);
      if (runId !== undefined && !runs.has(runId)) {
        reject(
          new TicklakeError('NOT_FOUND', `there is no run ${runId}`, {
            remedy: 'GET /v1/jobs/runs lists them.',
          }),
        );
        continue;
      }
      const channel = this.#channels.get(name) ?? { subscribers: new Set(), told: new Map() };
      if (channel.subscribers.size === 0) changesOf(channel, of);
      this.#channels.set(name, channel);
      channel.subscribers.add(subscriber);
      subscriber.send(frameText('snapshot', name, of));
      resolve();
    }
    this.#show();
  }

  #followed(joining: readonly Joining[] = this.#joining): Set<string> {
    const names = [...this.#channels.keys(), ...joining.map(({ channel }) => channel)];
    return new Set([
      ...names.map(runIdOf).filter((runId) => runId !== undefined),
      ...[...this.#waiters].map(({ runId }) => runId),
    ]);
  }

  #assertRoom(runId: string | undefined): void {
    const followed = this.#followed();
    if (runId === undefined || followed.has(runId) || followed.size < followedRunsMax) return;
    throw new TicklakeError('OVERLOADED', `${followed.size} runs are followed already`, {
      remedy: `Follow the channel ${allRuns}, or ask again in a few seconds.`,
    });
  }

  #show(): void {
    this.#metrics.waiters.set(this.#waiters.size);
    this.#metrics.followed.set(this.#followed().size);
  }
}

/** What is told on a channel: a run with its steps, or all that are no steps. */
function runsOf(name: RunChannel, runs: ReadonlyMap<string, RunView>): RunView[] {
  const runId = runIdOf(name);
  return [...runs.values()].filter((run) =>
    runId === undefined ? run.parentRunId === null : run.runId === runId || run.parentRunId === runId,
  );
}

/** Those that are not as they were told; from then on they are. What is no longer looked at is forgotten. */
function changesOf(channel: Channel, runs: readonly RunView[]): RunView[] {
  const before = channel.told;
  channel.told = new Map(
    runs.map((run) => {
      // The time left changes at every look; alone it is no news.
      const text = JSON.stringify({ ...progressOf(run), secondsLeft: null });
      return [run.runId, { text, isOpen: !hasEnded(run) }];
    }),
  );
  return runs.filter(({ runId }) => before.get(runId)?.text !== channel.told.get(runId)?.text);
}

function frameText(op: 'snapshot' | 'update', channel: RunChannel, runs: readonly RunView[]): string {
  return JSON.stringify({ op, channel, data: runs.map(progressOf) });
}

function progressOf(run: RunView): RunProgress {
  const { runId, job, state, isChain, parentRunId, step, enqueuedAt, startedAt, endedAt } = run;
  const { partitions, progress, secondsLeft, error } = run;
  return {
    ...{ runId, job, state, isChain, parentRunId, step, enqueuedAt, startedAt, endedAt },
    ...{ partitions, progress, secondsLeft, error },
  };
}

function feedMetrics(metrics: Metrics) {
  return {
    waiters: metrics.gauge('ticklake_api_run_waiters', 'Requests that wait for the end of a run'),
    followed: metrics.gauge('ticklake_api_runs_followed', 'Runs that somebody waits for or follows'),
    seconds: metrics.histogram('ticklake_api_run_look_seconds', 'One look at the runs that are followed'),
    failures: metrics.counter('ticklake_api_run_look_failures_total', 'Looks at runs that failed'),
  };
}
