import { minutesPerDay, type MinuteBars } from './minutes.ts';
import { lastFrom, merged, spanOver, type Span } from './spans.ts';

/** What befell a market: minutes in which its coin does not trade. */
export interface Life {
  /** The market alone stands still; the exchange goes on making its bars, flat and without volume. */
  halts: readonly Span[];
  /** The exchange stands still, and makes no bars. */
  outages: readonly Span[];
  /** The minute from which on it is not traded any more, and the one from which on nobody knows its name. */
  delisted: number;
  gone: number;
}

export const untroubled: Life = { halts: [], outages: [], delisted: Infinity, gone: Infinity };

/** An hour of the tape has a minute with trades: by then, the price at which a market stood still is forgotten. */
const carryMinutes = 120;

/**
 * The quiet minutes of a market. The tape beneath goes on regardless; what would have been traded in them is left out,
 * so that ids follow each other over them and the price jumps.
 */
export class QuietTime {
  readonly spans: readonly Span[];
  /** Minutes for which the exchange makes no bars. */
  readonly absent: readonly Span[];
  readonly #pairsBefore: (minute: number) => number;
  /** Pairs left out before each span, as far as asked for. */
  readonly #leftOutBefore: number[] = [0];

  constructor(life: Life, pairsBefore: (minute: number) => number) {
    const delisted = { from: life.delisted, to: Infinity };
    this.absent = merged([...life.outages, delisted]);
    this.spans = merged([...life.halts, ...this.absent]);
    this.#pairsBefore = pairsBefore;
  }

  over(minute: number): Span | undefined {
    return spanOver(this.spans, minute);
  }

  /** The span without bars that a bar of minutes [from, to) lies wholly in. */
  absentOver(from: number, to: number): Span | undefined {
    const span = spanOver(this.absent, from);
    return span !== undefined && to <= span.to ? span : undefined;
  }

  /** Whether anything of a day differs from the tape beneath. */
  touches(day: number): boolean {
    const span = this.spans[lastFrom(this.spans, (day + 1) * minutesPerDay - 1)];
    return span !== undefined && span.to + carryMinutes > day * minutesPerDay;
  }

  /** Pairs of trades of the tape beneath that are left out before a minute. */
  leftOut(minute: number): number {
    const index = lastFrom(this.spans, minute - 1);
    const span = this.spans[index];
    if (span === undefined) return 0;
    const end = Math.min(span.to, minute);
    return this.#before(index) + this.#pairsBefore(end) - this.#pairsBefore(span.from);
  }

  /** Pairs left out before the pair that is `index`-th of those that are traded. */
  leftOutOf(index: number): number {
    let leftOut = 0;
    for (let i = 0; i < this.spans.length; i++) {
      const from = this.spans[i]?.from ?? Infinity;
      if (this.#pairsBefore(from) - this.#before(i) > index) break;
      leftOut = this.#after(i);
    }
    return leftOut;
  }

  #before(index: number): number {
    while (this.#leftOutBefore.length <= index) {
      this.#leftOutBefore.push(this.#after(this.#leftOutBefore.length - 1));
    }
    return this.#leftOutBefore[index] ?? 0;
  }

  #after(index: number): number {
    const { from = 0, to = 0 } = this.spans[index] ?? {};
    if (to === Infinity) return Infinity;
    return this.#before(index) + this.#pairsBefore(to) - this.#pairsBefore(from);
  }
}

/** A day of the tape beneath without its quiet minutes: these, and empty ones after them, are flat at the last price. */
export function withoutQuiet(beneath: MinuteBars, day: number, quiet: QuietTime, before: number): MinuteBars {
  const bars: MinuteBars = {
    ...{ open: beneath.open.slice(), high: beneath.high.slice() },
    ...{ low: beneath.low.slice(), close: beneath.close.slice() },
    ...{ pairs: beneath.pairs.slice(), halfVolume: beneath.halfVolume.slice() },
    ...{ buyPairs: beneath.buyPairs.slice(), halfBuyVolume: beneath.halfBuyVolume.slice() },
    pairsBefore: new Int32Array(minutesPerDay + 1),
  };
  let last = before;
  for (let i = 0; i < minutesPerDay; i++) {
    if (quiet.over(day * minutesPerDay + i) !== undefined) {
      bars.pairs[i] = 0;
      bars.halfVolume[i] = 0;
      bars.buyPairs[i] = 0;
      bars.halfBuyVolume[i] = 0;
    }
    const pairs = bars.pairs[i] ?? 0;
    if (pairs === 0) {
      for (const prices of [bars.open, bars.high, bars.low, bars.close]) prices[i] = last;
    }
    last = bars.close[i] ?? 0;
    bars.pairsBefore[i + 1] = (bars.pairsBefore[i] ?? 0) + pairs;
  }
  return bars;
}
