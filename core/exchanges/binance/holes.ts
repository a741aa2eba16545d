/** Small disorder is tolerated up to so many later trades of the symbol, or for so long, before a hole is announced. */
export interface ReorderWindow {
  trades: number;
  ms: number;
}

export const defaultReorderWindow: ReorderWindow = { trades: 50, ms: 500 };

export type OnHole = (symbol: string, fromId: number, toId: number) => void;

interface Tape {
  /** The id expected next: all below came, or were announced as holes. */
  next: number;
  /** Ids beyond `next` that came, ascending, at most `window.trades`. */
  ahead: number[];
  aheadSinceMs: number;
}

/**
 * Finds holes in the trade ids of each symbol. Ids must be contiguous at the venue; the first one seen starts the
 * count, so nothing is said of what came before it. State outlives reconnects: what a disconnect lost is a hole.
 */
export class HoleDetector {
  readonly #tapes = new Map<string, Tape>();
  /** Symbols with ids ahead: all that {@link sweep} has to look at. */
  readonly #waiting = new Map<string, Tape>();
  readonly #window: ReorderWindow;
  readonly #onHole: OnHole;

  constructor(window: ReorderWindow, onHole: OnHole) {
    this.#window = window;
    this.#onHole = onHole;
  }

  observe(symbol: string, id: number, nowMs: number): void {
    const tape = this.#tapes.get(symbol);
    if (tape === undefined) {
      this.#tapes.set(symbol, { next: id + 1, ahead: [], aheadSinceMs: 0 });
    } else if (id === tape.next) {
      tape.next++;
      if (tape.ahead.length > 0) this.#advance(symbol, tape, nowMs);
    } else if (id > tape.next) {
      this.#putAhead(symbol, tape, id, nowMs);
    }
  }

  /** Announces the holes whose time is over. Call it a few times a second. */
  sweep(nowMs: number): void {
    for (const [symbol, tape] of this.#waiting) {
      if (nowMs - tape.aheadSinceMs >= this.#window.ms) this.#announce(symbol, tape, nowMs);
    }
  }

  /** Gives what is ahead its full time again: after a pause, late trades may still lie in the sockets. */
  restartClocks(nowMs: number): void {
    for (const tape of this.#waiting.values()) tape.aheadSinceMs = nowMs;
  }

  #putAhead(symbol: string, tape: Tape, id: number, nowMs: number): void {
    const { ahead } = tape;
    let at = ahead.length;
    while (at > 0 && (ahead[at - 1] ?? 0) > id) at--;
    if (ahead[at - 1] === id) return;
    if (ahead.length === 0) {
      tape.aheadSinceMs = nowMs;
      this.#waiting.set(symbol, tape);
    }
    ahead.splice(at, 0, id);
    if (ahead.length >= this.#window.trades) this.#announce(symbol, tape, nowMs);
  }

  #announce(symbol: string, tape: Tape, nowMs: number): void {
    const first = tape.ahead[0];
    if (first === undefined) return;
    this.#onHole(symbol, tape.next, first);
    tape.next = first;
    this.#advance(symbol, tape, nowMs);
  }

  /** Moves `next` over the ids ahead that follow it; what stays ahead waits for another hole, from `nowMs` on. */
  #advance(symbol: string, tape: Tape, nowMs: number): void {
    const { ahead } = tape;
    let count = 0;
    while (count < ahead.length && ahead[count] === tape.next) {
      tape.next++;
      count++;
    }
    if (count > 0) {
      ahead.splice(0, count);
      tape.aheadSinceMs = nowMs;
    }
    if (ahead.length === 0) this.#waiting.delete(symbol);
  }
}
