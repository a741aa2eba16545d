import { messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';

/** Request weight that several processes share, by source: each request takes its turn there first. */
export interface SharedBudget {
  /** Waits its turn. What it throws ends the request. */
  take(source: string, weight: number, signal: AbortSignal): Promise<void>;
  /** The venue says that so much is used in this minute, by whomever. */
  observed(source: string, used: number): Promise<void>;
  /** The venue forbids requests for so long. */
  pause(source: string, ms: number): Promise<void>;
}

const tellEveryMs = 1_000;

/** Tells a budget what the venue says; that it cannot be told ends no request. */
export class BudgetTeller {
  readonly #budget: SharedBudget | undefined;
  readonly #source: string;
  readonly #logger: Logger;
  #toldMs = -Infinity;

  constructor(budget: SharedBudget | undefined, source: string, logger: Logger) {
    this.#budget = budget;
    this.#source = source;
    this.#logger = logger;
  }

  /** Passed on once a second at most. */
  async used(weight: number): Promise<void> {
    const nowMs = performance.now();
    if (this.#budget === undefined || nowMs - this.#toldMs < tellEveryMs) return;
    this.#toldMs = nowMs;
    await this.#budget.observed(this.#source, weight).catch((error: unknown) => this.#warn(error));
  }

  async forbidden(ms: number): Promise<void> {
    await this.#budget?.pause(this.#source, ms).catch((error: unknown) => this.#warn(error));
  }

  #warn(error: unknown): void {
    const source = this.#source;
    this.#logger.warn({ error, source }, `the shared request budget was not told: ${messageOf(error)}`);
  }
}
