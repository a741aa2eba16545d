import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Database } from '#core/platform/postgres/database.ts';

/** Postgres' channel on which appends are announced, by the topic's id. */
export const bellChannel = 'ticklake_log';

const retryMs = 1_000;

/**
 * Wakes who waits for records of a topic as soon as some are appended, by a connection that listens. While that is lost
 * everybody waits out their time, so what is waited for must be looked at again anyway.
 */
export class Bell {
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #rings = new Map<number, number>();
  readonly #waiting = new Set<{ topicId: number; wake: () => void }>();
  readonly #closing = new AbortController();
  #client: pg.Client | undefined;
  #running: Promise<void> | undefined;

  constructor(database: Database, logger: Logger) {
    this.#database = database;
    this.#logger = logger;
  }

  /** Whether appends are heard; else waiting is the only way to learn of them. */
  get listening(): boolean {
    return this.#client !== undefined;
  }

  /** How often a topic was heard of: taken before looking, it tells {@link wait} what has been seen. */
  heard(topicId: number): number {
    this.#running ??= this.#listenUntilClosed();
    return this.#rings.get(topicId) ?? 0;
  }

  /** Resolves when the topic was heard of since, after a time, or when the signal aborts. */
  async wait(topicId: number, since: number, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.heard(topicId) !== since) return;
    const woken = new AbortController();
    const waiter = { topicId, wake: () => woken.abort() };
    this.#waiting.add(waiter);
    await sleep(ms, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => undefined);
    this.#waiting.delete(waiter);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#client?.end().catch(() => undefined);
    await this.#running;
  }

  async #listenUntilClosed(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const client = new pg.Client(this.#database.pool.options);
      try {
        const lost = new Promise<void>((resolve) => {
          client.on('error', () => resolve());
          client.on('end', () => resolve());
        });
        client.on('notification', ({ payload }) => this.#ring(Number(payload)));
        await client.connect();
        await client.query(`listen ${bellChannel}`);
        this.#client = client;
        // What was appended before may have been missed.
        for (const topicId of this.#rings.keys()) this.#ring(topicId);
        for (const { wake } of this.#waiting) wake();
        if (!signal.aborted) await lost;
      } catch (error) {
        this.#logger.debug({ reason: messageOf(error) }, 'appends to the log are not heard');
      }
      this.#client = undefined;
      await client.end().catch(() => undefined);
      await sleep(retryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  #ring(topicId: number): void {
    this.#rings.set(topicId, (this.#rings.get(topicId) ?? 0) + 1);
    for (const { topicId: of, wake } of this.#waiting) if (of === topicId) wake();
  }
}
