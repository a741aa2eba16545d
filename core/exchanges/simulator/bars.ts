import { minutesPerDay } from './minutes.ts';
import { minuteMs, type MarketTape } from './tape.ts';

/** What happened in a span of time. Prices in ticks, volumes in lots, quote volumes in ticks × lots. */
export interface Bar {
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  quoteVolume: bigint;
  count: number;
  buyVolume: number;
  buyQuoteVolume: bigint;
}

/**
 * The bar of the whole minutes [from, to), as far as it has happened by `nowMs`: the running minute counts with its
 * trades so far. Whole days that are over cost nothing but their quote volumes. Needs from < to, from ≥ the listing.
 */
export function barOver(tape: MarketTape, from: number, to: number, nowMs: number): Bar {
  const sum = new BarSum();
  const running = Math.floor(nowMs / minuteMs);
  const closed = Math.min(to, running);
  let minute = from;
  while (minute < closed) {
    const day = Math.floor(minute / minutesPerDay);
    const end = Math.min(closed, (day + 1) * minutesPerDay);
    sum.addMinutes(tape, day, minute - day * minutesPerDay, end - day * minutesPerDay);
    minute = end;
  }
  if (running >= from && running < to) sum.addRunning(tape, running, nowMs);
  return sum.bar();
}

/** Doubles hold whole numbers up to 2^53: sums of quote volumes are kept in two limbs. */
const limb = 2 ** 52;

class BarSum {
  #open = 0;
  #high = 0;
  #low = Infinity;
  #close = 0;
  #isEmpty = true;
  #volume = 0;
  #count = 0;
  #buyVolume = 0;
  #quote = 0;
  #quoteLimbs = 0;
  #buyQuote = 0;
  #buyQuoteLimbs = 0;

  addMinutes(tape: MarketTape, day: number, from: number, to: number): void {
    const minutes = tape.minutes(day);
    for (let i = from; i < to; i++) {
      const high = minutes.high[i] ?? 0;
      const low = minutes.low[i] ?? 0;
      this.#addPrices(minutes.open[i] ?? 0, high, low, minutes.close[i] ?? 0);
      const half = minutes.halfVolume[i] ?? 0;
      if (half === 0) continue;
      const halfBuy = minutes.halfBuyVolume[i] ?? 0;
      this.#count += 2 * (minutes.pairs[i] ?? 0);
      this.#volume += 2 * half;
      this.#buyVolume += 2 * halfBuy;
      this.#addQuote((high + low) * half, (high + low) * halfBuy);
    }
  }

  addRunning(tape: MarketTape, minute: number, nowMs: number): void {
    const day = Math.floor(minute / minutesPerDay);
    const open = tape.minutes(day).open[minute - day * minutesPerDay] ?? 0;
    this.#addPrices(open, open, open, open);
    const { price, lots, buyerIsMaker } = tape.trades(minute);
    const count = tape.countUpTo(minute, nowMs);
    for (let i = 0; i < count; i++) {
      const ticks = price[i] ?? 0;
      const quantity = lots[i] ?? 0;
      const bought = buyerIsMaker[i] === 0 ? quantity : 0;
      this.#addPrices(ticks, ticks, ticks, ticks);
      this.#volume += quantity;
      this.#buyVolume += bought;
      this.#addQuote(ticks * quantity, ticks * bought);
    }
    this.#count += count;
  }

  bar(): Bar {
    return {
      ...{ open: this.#open, high: this.#high, low: this.#low, close: this.#close },
      ...{ volume: this.#volume, count: this.#count, buyVolume: this.#buyVolume },
      quoteVolume: BigInt(this.#quote) + BigInt(this.#quoteLimbs) * BigInt(limb),
      buyQuoteVolume: BigInt(this.#buyQuote) + BigInt(this.#buyQuoteLimbs) * BigInt(limb),
    };
  }

  #addPrices(open: number, high: number, low: number, close: number): void {
    if (this.#isEmpty) this.#open = open;
    this.#isEmpty = false;
    if (high > this.#high) this.#high = high;
    if (low < this.#low) this.#low = low;
    this.#close = close;
  }

  #addQuote(quote: number, buyQuote: number): void {
    this.#quote += quote;
    if (this.#quote >= limb) {
      this.#quote -= limb;
      this.#quoteLimbs++;
    }
    this.#buyQuote += buyQuote;
    if (this.#buyQuote >= limb) {
      this.#buyQuote -= limb;
      this.#buyQuoteLimbs++;
    }
  }
}
