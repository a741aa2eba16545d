import type { TicklakeError } from '#core/platform/errors.ts';
import pg from 'pg';
import { isTicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import { isConnectionLost, type Database } from '#core/platform/postgres/database.ts';
import { runBatch, type BatchDeps, type BatchTerms, type Outcome, type Request } from './batch.ts';
import { openSession, type Session } from './session.ts';

/** Commands that are decided and written in one transaction, or not at all. */
export interface Work {
  requests: readonly Request[];
  /** Work with terms goes alone. */
  terms?: BatchTerms | undefined;
  /** Called once, with an outcome for each of the commands, or with what undid them all. */
  settle(outcomes: Outcome[] | TicklakeError): void;
}

export interface LaneOptions extends BatchDeps {
  database: Database;
  name: string;
  /** Commands of a transaction. */
  batchMax: number;
  onBatch(commands: number, seconds: number): void;
}

const uniqueViolation = '23505';

/** One connection and the work that waits for it: one transaction at a time, of as much as has gathered meanwhile. */
export class Lane {
  /** Commands that are waiting. */
  waiting = 0;
  readonly #options: LaneOptions;
  readonly #queue: Work[] = [];
  #session: Session | undefined;
  #running: Promise<void> | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  add(work: Work): void {
    this.#queue.push(work);
    this.waiting += work.requests.length;
    this.#running ??= this.#run();
  }

  /** Ends when what waits is done. */
  async close(): Promise<void> {
    await this.#running;
    await this.#session?.close();
  }

  async #run(): Promise<void> {
    // Callers that were just answered come back first, or batches would shrink.
    for (await nextTurn(); this.#queue.length > 0; await nextTurn()) await this.#runBatch(this.#gather());
    this.#running = undefined;
  }

  #gather(): Work[] {
    let count = 0;
    let commands = 0;
    for (const { requests, terms } of this.#queue) {
      const isAlone = terms !== undefined || commands + requests.length > this.#options.batchMax;
      if (count > 0 && isAlone) break;
      count += 1;
      commands += requests.length;
      if (isAlone) break;
    }
    this.waiting -= commands;
    return this.#queue.splice(0, count);
  }

  async #runBatch(batch: readonly Work[]): Promise<void> {
    try {
      await this.#runAll(batch);
    } catch (error) {
      const canFareBetter = isRaced(error) || (batch.length > 1 && !isEveryones(error));
      for (const work of batch) {
        if (!canFareBetter) work.settle(toTicklakeError(error));
        else await this.#runAll([work]).catch((own: unknown) => work.settle(toTicklakeError(own)));
      }
    }
  }

  async #runAll(batch: readonly Work[]): Promise<void> {
    const startedMs = performance.now();
    const requests = batch.flatMap((work) => work.requests);
    const outcomes = await runBatch(await this.#open(), requests, this.#options, batch[0]?.terms);
    this.#options.onBatch(requests.length, (performance.now() - startedMs) / 1_000);
    let at = 0;
    for (const work of batch) work.settle(outcomes.slice(at, (at += work.requests.length)));
  }

  async #open(): Promise<Session> {
    if (this.#session?.isLost === true) {
      void this.#session.close();
      this.#session = undefined;
    }
    return (this.#session ??= await openSession(this.#options.database, this.#options.name));
  }
}

/** Whether trying one command after the other would fare no better: the server is away, or a lock is. */
function isEveryones(error: unknown): boolean {
  return isConnectionLost(error) || isTicklakeError(error, 'CONFLICT');
}

/** Whether another has just written the same rows, as of a portfolio that there was no head of to lock: it is there now. */
function isRaced(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof pg.DatabaseError && cause.code === uniqueViolation;
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
