import { ExponentialBackoff, type IBackoff } from 'cockatiel';
import type { RawData } from 'ws';
import { Connection } from './connection.ts';

export interface LaneOptions {
  url: string;
  streams: readonly string[];
  connectTimeoutMs: number;
  silenceMs: number;
  /** A connection is replaced at this age: the venue ends it at 24 hours. */
  maxAgeMs: number;
  nextId: () => number;
  onMessage: (data: RawData, isBinary: boolean, connection: Connection) => void;
  onConnected: (connectionId: number) => void;
  onDisconnected: (connectionId: number, reason: string) => void;
  /** An attempt to connect failed, or a live connection was lost; the next attempt follows in `delayMs`. */
  onRetry: (reason: string, delayMs: number) => void;
}

const backoff = new ExponentialBackoff({ initialDelay: 250, maxDelay: 5_000 });
/** A connection that lived so long was a good one: the next loss starts from the shortest delay again. */
const stableMs = 10_000;

/**
 * Keeps one set of streams connected: reconnects with exponential back-off and jitter, and replaces the connection
 * ahead of its end with an overlap, so that a planned change loses nothing (duplicates may pass).
 */
export class Lane {
  readonly #options: LaneOptions;
  /** The connection that is live, and the one that is to be. */
  #live: Connection | undefined;
  #coming: Connection | undefined;
  #liveSinceMs = 0;
  #delay: IBackoff<unknown> | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #ageTimer: NodeJS.Timeout | undefined;
  #paused = false;
  #closing: PromiseWithResolvers<undefined> | undefined;
  readonly #open = new Set<Connection>();

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#connect();
  }

  pause(): void {
    this.#paused = true;
    for (const connection of this.#open) connection.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const connection of this.#open) connection.resume();
  }

  async close(): Promise<void> {
    if (this.#closing !== undefined) return void (await this.#closing.promise);
    this.#closing = Promise.withResolvers<undefined>();
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#ageTimer);
    for (const connection of this.#open) connection.close('closed by us');
    if (this.#open.size === 0) this.#closing.resolve(undefined);
    await this.#closing.promise;
  }

  #connect(): void {
    const { url, streams, connectTimeoutMs, silenceMs } = this.#options;
    const connection: Connection = new Connection(
      this.#options.nextId(),
      {
        ...{ url, streams, connectTimeoutMs, silenceMs },
        onMessage: (data, isBinary) => this.#options.onMessage(data, isBinary, connection),
        onLive: () => this.#becameLive(connection),
        onEnd: (reason) => this.#ended(connection, reason),
      },
      this.#paused,
    );
    this.#coming = connection;
    this.#open.add(connection);
  }

  #becameLive(connection: Connection): void {
    if (this.#closing !== undefined) return;
    const old = this.#live;
    this.#live = connection;
    this.#coming = undefined;
    this.#liveSinceMs = performance.now();
    // Not all lanes in the same second.
    const ageMs = this.#options.maxAgeMs * (0.95 + 0.05 * Math.random());
    this.#ageTimer = setTimeout(() => this.#connect(), ageMs);
    this.#options.onConnected(connection.id);
    old?.close('replaced ahead of its end');
  }

  #ended(connection: Connection, reason: string): void {
    this.#open.delete(connection);
    const wasComing = connection === this.#coming;
    const wasLive = connection === this.#live;
    if (wasComing) this.#coming = undefined;
    else this.#options.onDisconnected(connection.id, reason);
    if (wasLive) {
      this.#live = undefined;
      clearTimeout(this.#ageTimer);
      if (performance.now() - this.#liveSinceMs >= stableMs) this.#delay = undefined;
    }
    if (this.#closing !== undefined) {
      if (this.#open.size === 0) this.#closing.resolve(undefined);
    } else if (wasComing || (wasLive && this.#coming === undefined)) {
      this.#retry(reason);
    }
  }

  #retry(reason: string): void {
    this.#delay = this.#delay?.next(undefined) ?? backoff.next();
    this.#options.onRetry(reason, this.#delay.duration);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), this.#delay.duration);
  }
}
