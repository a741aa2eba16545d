import type { ScheduledTask } from 'node-cron';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { parseCron, scheduleCron, type Cron } from './cron.ts';
import { enqueueRun, type EnqueueDeps } from './enqueue.ts';
import { keptError } from './errors.ts';
import type { WhenRunning } from './job.ts';
import { seeTriggers, type Trigger } from './triggers.ts';

/** An entry of the timetable. */
export interface TimetableEntry {
  name: string;
  /** Five or six fields, in UTC. */
  cron: string;
  job: string;
  params?: object;
  /** Ticks that no scheduler was there for: enqueue all of them, the newest alone, or none. */
  missed: 'catch-up' | 'latest' | 'skip';
  whenRunning?: WhenRunning;
  enabled?: boolean;
}

export interface SchedulerOptions extends EnqueueDeps {
  database: Database;
  timetable: readonly TimetableEntry[];
  triggers?: readonly Trigger[];
  logger: Logger;
  metrics: Metrics;
  /** Default the system's clock. */
  clock?: { nowMs(): number };
  /** A tick decided later than so long after its time counts as missed; default 2 minutes. */
  lateMs?: number;
  /** Ticks of one entry that are caught up after an absence, the newest; default 1000. Older ones are skipped. */
  catchUpMax?: number;
  /** Pause between looks at triggers, and at ticks that node-cron did not call for; default 5 s. */
  pollMs?: number;
}

export type TickState = 'enqueued' | 'joined' | 'skipped' | 'refused';

interface Entry extends TimetableEntry {
  times: Cron;
}

const skippedRowsMax = 1_000;

/**
 * Enqueues what the timetable asks for, and runs nothing. Every tick is a row whose key is its entry and time, so
 * any number of schedulers make one run of it; what all of them missed is caught up, or skipped and said.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #entries: Entry[];
  readonly #decided;
  readonly #closing = new AbortController();
  readonly #crons: ScheduledTask[] = [];
  #loop: Promise<void> | undefined;
  #round: Promise<void> | undefined;
  #again = false;

  /** @throws RangeError, NOT_FOUND or BAD_REQUEST when the timetable is wrong. */
  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#entries = options.timetable.map((entry) => ({ ...entry, times: parseCron(entry.cron) }));
    if (new Set(this.#entries.map(({ name }) => name)).size < this.#entries.length) {
      throw new RangeError('two entries of the timetable have one name');
    }
    for (const { job, params } of this.#entries) options.catalogue.check(job, params);
    this.#decided = options.metrics.counter(
      'ticklake_jobs_ticks_total',
      'Ticks of the timetable, by what became of them',
      [...(['schedule', 'state'] as const)],
    );
  }

  /** Decides what is due from now on, when node-cron calls and every few seconds, until closed. */
  start(): void {
    for (const { cron, enabled } of this.#entries) {
      if (enabled ?? true) this.#crons.push(scheduleCron(cron, () => void this.#poke()));
    }
    this.#loop = this.#pollUntilClosed();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const cron of this.#crons) await cron.destroy();
    await this.#loop;
    await this.#round;
  }

  /** Decides every tick up to the clock's now, and looks at the triggers. What fails is said and decided later. */
  async decide(): Promise<void> {
    const { database, logger } = this.#options;
    await this.#retire().catch((error: unknown) =>
      logger.warn({ err: error }, 'the timetable could not be compared'),
    );
    for (const entry of this.#entries) {
      await database
        .transaction((tx) => this.#decideEntry(tx, entry))
        .catch((error: unknown) =>
          logger.warn({ err: error, schedule: entry.name }, 'ticks are decided later'),
        );
    }
    await seeTriggers({ ...this.#options, triggers: this.#options.triggers ?? [] });
  }

  async #pollUntilClosed(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#poke();
      await sleep(this.#options.pollMs ?? 5_000, undefined, { signal: this.#closing.signal }).catch(
        () => undefined,
      );
    }
  }

  /** One round at a time; who calls during one gets another after it. */
  #poke(): Promise<void> {
    if (this.#round !== undefined) {
      this.#again = true;
      return this.#round;
    }
    this.#round = (async () => {
      do {
        this.#again = false;
        await this.decide();
      } while (this.#again && !this.#closing.signal.aborted);
      this.#round = undefined;
    })();
    return this.#round;
  }

  async #decideEntry(tx: Transaction, entry: Entry): Promise<void> {
    const nowMs = this.#options.clock?.nowMs() ?? Date.now();
    const enabled = entry.enabled ?? true;
    await tx.query(
      `insert into jobs.schedules (name, cron, job, enabled, decided_until) values ($1, $2, $3, $4, $5)
       on conflict do nothing`,
      [entry.name, entry.cron, entry.job, enabled, new Date(nowMs)],
    );
    const { rows } = await tx.query<{ cron: string; job: string; enabled: boolean; decided_until: Date }>(
      'select cron, job, enabled, decided_until from jobs.schedules where name = $1 for update',
      [entry.name],
    );
    const known = rows[0];
    if (known === undefined) return;
    const isAsKnown = known.cron === entry.cron && known.job === entry.job && known.enabled === enabled;
    // What came while it was disabled was not missed, and what another expression named neither.
    const isNew = known.cron !== entry.cron || !known.enabled;
    const sinceMs = isNew ? Math.max(nowMs, known.decided_until.getTime()) : known.decided_until.getTime();
    const untilMs = enabled ? await this.#decideTicks(tx, entry, sinceMs, nowMs) : nowMs;
    if (untilMs > known.decided_until.getTime() || !isAsKnown) {
      await tx.query(
        `update jobs.schedules set cron = $2, job = $3, enabled = $4, decided_until = greatest(decided_until, $5),
                updated_at = clock_timestamp() where name = $1`,
        [entry.name, entry.cron, entry.job, enabled, new Date(untilMs)],
      );
    }
  }

  /** Decides the ticks since then; answers until when all are decided, which is less than now if there is no room. */
  async #decideTicks(tx: Transaction, entry: Entry, sinceMs: number, nowMs: number): Promise<number> {
    const { logger, lateMs = 120_000, catchUpMax = 1_000 } = this.#options;
    const { ticks, total } = entry.times.between(sinceMs, nowMs, Math.max(catchUpMax, skippedRowsMax));
    if (total > ticks.length) {
      const facts = { schedule: entry.name, skipped: total - ticks.length };
      logger.warn(facts, 'the oldest missed ticks are skipped without a row: there are too many');
    }
    for (const [index, tick] of ticks.entries()) {
      const fromEnd = ticks.length - index;
      const isMissed = nowMs - tick > lateMs;
      const skipped = isMissed ? skipReason(entry.missed, fromEnd, catchUpMax) : undefined;
      if (isMissed) logger.warn({ schedule: entry.name, tick: new Date(tick), skipped }, 'a tick was missed');
      try {
        await this.#decideTick(tx, entry, new Date(tick), skipped);
      } catch (error) {
        if (!isTicklakeError(error, 'OVERLOADED')) throw error;
        logger.warn(
          { err: error, schedule: entry.name, tick: new Date(tick) },
          'no room for a tick; it is decided later',
        );
        return tick - 1;
      }
    }
    return nowMs;
  }

  async #decideTick(tx: Transaction, entry: Entry, tick: Date, skipped: string | undefined): Promise<void> {
    // The entry is locked, so nobody decides this tick meanwhile.
    const { rows } = await tx.query('select 1 from jobs.ticks where schedule = $1 and tick_at = $2', [
      entry.name,
      tick,
    ]);
    if (rows.length > 0) return;
    const outcome =
      skipped === undefined
        ? await this.#enqueue(tx, entry, tick)
        : { state: 'skipped' as const, reason: skipped, runId: null };
    await tx.query(
      'insert into jobs.ticks (schedule, tick_at, state, reason, run_id) values ($1, $2, $3, $4, $5)',
      [...[entry.name, tick, outcome.state, outcome.reason, outcome.runId]],
    );
    this.#decided.inc({ schedule: entry.name, state: outcome.state });
  }

  /** A refusal is the tick's outcome. @throws OVERLOADED where there is no room for a run. */
  async #enqueue(
    tx: Transaction,
    entry: Entry,
    tick: Date,
  ): Promise<{ state: TickState; reason: string | null; runId: string | null }> {
    try {
      const { runId, outcome } = await enqueueRun(tx, this.#options, {
        job: entry.job,
        params: entry.params ?? {},
        requestedBy: `schedule:${entry.name}`,
        idempotencyKey: `schedule:${entry.name}:${tick.toISOString()}`,
        ...(entry.whenRunning === undefined ? {} : { whenRunning: entry.whenRunning }),
      });
      if (outcome === 'joined') return { state: 'joined', reason: 'an earlier run goes on', runId };
      return { state: 'enqueued', reason: null, runId };
    } catch (error) {
      if (!isTicklakeError(error, 'CONFLICT') && !isTicklakeError(error, 'BAD_REQUEST')) throw error;
      this.#options.logger.warn({ err: error, schedule: entry.name, tick }, 'a tick was refused');
      return { state: 'refused', reason: keptError(error).message, runId: null };
    }
  }

  /** Entries that left the timetable are disabled, so that they begin anew when they come back. */
  async #retire(): Promise<void> {
    const { rows } = await this.#options.database.query<{ name: string }>(
      `update jobs.schedules set enabled = false, updated_at = clock_timestamp()
        where enabled and name <> all($1) returning name`,
      [this.#entries.map(({ name }) => name)],
    );
    for (const { name } of rows)
      this.#options.logger.info({ schedule: name }, 'an entry has left the timetable');
  }
}

function skipReason(
  missed: TimetableEntry['missed'],
  fromEnd: number,
  catchUpMax: number,
): string | undefined {
  if (missed === 'skip') return 'missed: no scheduler was there, and the policy is to skip';
  if (missed === 'latest' && fromEnd > 1) return 'missed: a later tick stands for it';
  if (fromEnd > catchUpMax) return 'missed: too many to catch up';
  return undefined;
}
