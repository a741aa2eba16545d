import { ApiError } from '../answer.ts';

const limits = [
  { interval: 'SECOND', intervalNum: 10, letter: '10s', windowMs: 10_000, limit: 100 },
  { interval: 'DAY', intervalNum: 1, letter: '1d', windowMs: 86_400_000, limit: 200_000 },
] as const;

/** The limits as `exchangeInfo` tells them. */
export const orderLimits = limits.map(({ interval, intervalNum, limit }) => {
  return { rateLimitType: 'ORDERS', interval, intervalNum, limit };
});

/** How many orders an account has placed in the running intervals. */
export class OrderCount {
  readonly #windows = limits.map((limit) => ({ ...limit, window: 0, count: 0 }));

  /** Throws -1015 where an order would be one too many, as the exchange does without a time to wait. */
  check(nowMs: number): void {
    for (const one of this.#windows) {
      const window = Math.floor(nowMs / one.windowMs);
      if (window !== one.window) Object.assign(one, { window, count: 0 });
      if (one.count < one.limit) continue;
      const { limit, intervalNum, interval } = one;
      const message = `Too many new orders; current limit is ${limit} orders per ${intervalNum} ${interval}.`;
      throw new ApiError(-1015, message, 429);
    }
  }

  /** Counts one that was accepted. */
  count(): void {
    for (const one of this.#windows) one.count += 1;
  }

  /** The headers of an answer to an order. */
  get headers(): Record<string, string> {
    return Object.fromEntries(
      this.#windows.map(({ letter, count }) => [`x-mbx-order-count-${letter}`, String(count)]),
    );
  }
}
