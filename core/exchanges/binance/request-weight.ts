import { setTimeout as sleep } from 'node:timers/promises';
import { TicklakeError } from '#core/platform/errors.ts';

export interface RequestWeightOptions {
  /** Weight allowed in each window. */
  limit: number;
  /** Length of the venue's windows, which begin at whole multiples of it; Binance counts by the minute. */
  windowMs?: number;
  /** Longest wait for a turn; what would wait longer is refused with RATE_LIMITED at once. */
  maxWaitMs?: number;
  onWait?: (ms: number) => void;
}

/**
 * Clocks differ, and a request sent at the turn of the window may be counted in the one before: for this part of a
 * window, both windows' use counts. A quarter of a second for windows of a minute.
 */
const marginOfWindow = 1 / 240;

/**
 * Keeps all requests of a client under the venue's weight limit: what the venue says is used counts (others may
 * share the address), plus what is on its way. While the venue forbids requests (429, 418), all of them wait.
 */
export class RequestWeight {
  readonly #windowMs: number;
  readonly #maxWaitMs: number;
  readonly #onWait: ((ms: number) => void) | undefined;
  #limit: number;
  #window = 0;
  #usedBefore = 0;
  #used = 0;
  #inFlight = 0;
  #forbiddenUntilMs = 0;

  constructor(options: RequestWeightOptions) {
    this.#limit = options.limit;
    this.#windowMs = options.windowMs ?? 60_000;
    this.#maxWaitMs = options.maxWaitMs ?? 180_000;
    this.#onWait = options.onWait;
  }

  get limit(): number {
    return this.#limit;
  }

  set limit(limit: number) {
    this.#limit = limit;
  }

  /** Used in this window, with what is on its way. */
  get used(): number {
    return this.#used + this.#inFlight;
  }

  /** Waits until a request of this weight may be sent; gives the window it counts in, for {@link settle}. */
  async take(weight: number, signal: AbortSignal): Promise<number> {
    const deadlineMs = Date.now() + this.#maxWaitMs;
    for (;;) {
      signal.throwIfAborted();
      const nowMs = Date.now();
      const waitMs = this.#waitMs(weight, nowMs);
      if (waitMs === 0) break;
      if (nowMs + waitMs > deadlineMs) throw waitTooLong(waitMs);
      this.#onWait?.(waitMs);
      await sleep(waitMs, undefined, { signal });
    }
    this.#inFlight += weight;
    return this.#window;
  }

  /** The request was answered, or failed: `usedNow` is the venue's count, where it gave one. */
  settle(weight: number, window: number, usedNow: number | undefined): void {
    this.#inFlight -= weight;
    this.#turnWindow(Date.now());
    // Answers overtake each other, and one of the window before says nothing about this one.
    if (usedNow === undefined || window !== this.#window) this.#used += weight;
    else this.#used = Math.max(this.#used, usedNow);
  }

  /** The venue forbids requests for so long. */
  forbid(ms: number): void {
    this.#forbiddenUntilMs = Math.max(this.#forbiddenUntilMs, Date.now() + ms);
  }

  #waitMs(weight: number, nowMs: number): number {
    if (nowMs < this.#forbiddenUntilMs) return this.#forbiddenUntilMs - nowMs;
    this.#turnWindow(nowMs);
    const marginMs = this.#windowMs * marginOfWindow;
    const settledMs = this.#window * this.#windowMs + marginMs;
    const used = nowMs < settledMs ? this.#usedBefore + this.used : this.used;
    // A request heavier than the whole limit would wait for ever: it goes alone.
    if (used === 0 || used + weight <= this.#limit) return 0;
    return Math.ceil((nowMs < settledMs ? settledMs : settledMs + this.#windowMs) - nowMs);
  }

  #turnWindow(nowMs: number): void {
    const window = Math.floor(nowMs / this.#windowMs);
    if (window === this.#window) return;
    this.#usedBefore = window === this.#window + 1 ? this.#used : 0;
    this.#window = window;
    this.#used = 0;
  }
}

function waitTooLong(waitMs: number): TicklakeError {
  return new TicklakeError(
    'RATE_LIMITED',
    `the exchange allows no request for ${Math.ceil(waitMs / 1000)} s`,
    {
      remedy: 'Try again after that time, and send fewer requests from this address.',
      context: { waitMs },
    },
  );
}
