/** What a request meets: it is served, must wait, or is banned. */
export type Verdict =
  | { kind: 'ok'; used: number }
  | { kind: 'wait'; used: number; retryAfterS: number }
  | { kind: 'banned'; used: number; retryAfterS: number; untilMs: number };

const minuteMs = 60_000;
/** Requests over the limit, in one minute, that are still answered with 429. */
const patience = 20;
const firstBanMs = 120_000;
const longestBanMs = 3 * 24 * 3_600_000;

/**
 * The venue's accounting of request weights, by clock minute and for all clients together (they share an address).
 * Who goes on asking after 429 is banned, each time for twice as long.
 */
export class WeightLimit {
  readonly limit: number;
  #minute = 0;
  #used = 0;
  #refused = 0;
  #bannedUntilMs = 0;
  #nextBanMs = firstBanMs;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  take(weight: number, nowMs: number): Verdict {
    const minute = Math.floor(nowMs / minuteMs);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#used = 0;
      this.#refused = 0;
    }
    if (nowMs < this.#bannedUntilMs) return this.#banned(nowMs);
    this.#used += weight;
    if (this.#used <= this.limit) return { kind: 'ok', used: this.#used };
    this.#refused++;
    if (this.#refused > patience) {
      this.#bannedUntilMs = nowMs + this.#nextBanMs;
      this.#nextBanMs = Math.min(longestBanMs, this.#nextBanMs * 2);
      return this.#banned(nowMs);
    }
    const retryAfterS = Math.max(1, Math.ceil(((minute + 1) * minuteMs - nowMs) / 1000));
    return { kind: 'wait', used: this.#used, retryAfterS };
  }

  #banned(nowMs: number): Verdict {
    const untilMs = this.#bannedUntilMs;
    return { kind: 'banned', used: this.#used, retryAfterS: Math.ceil((untilMs - nowMs) / 1000), untilMs };
  }
}
