import { minutesPerDay } from './minutes.ts';
import { QuoteSum } from './quote-sum.ts';
import { minuteMs, type MarketTape } from './market-tape.ts';

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
 * trades so far. Minutes without trades have a price only where there is nothing else. What whole days that are over add up to is kept. Needs from < to, from ≥ the listing.
 */
export function barOver(tape: MarketTape, from: number, to: number, nowMs: number): Bar {
  const sum = new BarSum();
  const running = Math.floor(nowMs / minuteMs);
  const closed = Math.min(to, running);
  let minute = from;
  while (minute < closed) {
    const day = Math.floor(minute / minutesPerDay);
    const end = Math.min(closed, (day + 1) * minutesPerDay);
    if (end - minute === minutesPerDay && tape.isWhole(day)) sum.addDay(tape, day);
    else sum.addMinutes(tape, day, minute - day * minutesPerDay, end - day * minutesPerDay);
    minute = end;
  }
  if (running >= from && running < to) sum.addRunning(tape, running, nowMs);
  return sum.bar();
}

class BarSum {
  #open = 0;
  #high = 0;
  #low = Infinity;
  #close = 0;
  #isEmpty = true;
  /** The price where nothing is traded. */
  #flat: number | undefined;
  #volume = 0;
  #count = 0;
  #buyVolume = 0;
  readonly #quote = new QuoteSum();
  readonly #buyQuote = new QuoteSum();
  #quoteOfDays = 0n;
  #buyQuoteOfDays = 0n;

  addDay(tape: MarketTape, day: number): void {
    const { open, high, low, close, pairs, halfVolume } = tape.days.bar(day);
    const totals = tape.totals(day);
    this.#addPrices(open, high, low, close);
    this.#count += 2 * pairs;
    this.#volume += 2 * halfVolume;
    this.#buyVolume += totals.buyVolume;
    this.#quoteOfDays += totals.quoteVolume;
    this.#buyQuoteOfDays += totals.buyQuoteVolume;
  }

  addMinutes(tape: MarketTape, day: number, from: number, to: number): void {
    const minutes = tape.minutes(day);
    for (let i = from; i < to; i++) {
      const half = minutes.halfVolume[i] ?? 0;
      if (half === 0) {
        this.#flat ??= minutes.close[i];
        continue;
      }
      const high = minutes.high[i] ?? 0;
      const low = minutes.low[i] ?? 0;
      this.#addPrices(minutes.open[i] ?? 0, high, low, minutes.close[i] ?? 0);
      const halfBuy = minutes.halfBuyVolume[i] ?? 0;
      this.#count += 2 * (minutes.pairs[i] ?? 0);
      this.#volume += 2 * half;
      this.#buyVolume += 2 * halfBuy;
      this.#quote.add((high + low) * half);
      this.#buyQuote.add((high + low) * halfBuy);
    }
  }

  addRunning(tape: MarketTape, minute: number, nowMs: number): void {
    this.#flat ??= tape.closeBefore(minute);
    const { price, lots, buyerIsMaker } = tape.trades(minute);
    const count = tape.countUpTo(minute, nowMs);
    for (let i = 0; i < count; i++) {
      const ticks = price[i] ?? 0;
      const quantity = lots[i] ?? 0;
      const bought = buyerIsMaker[i] === 0 ? quantity : 0;
      this.#addPrices(ticks, ticks, ticks, ticks);
      this.#volume += quantity;
      this.#buyVolume += bought;
      this.#quote.add(ticks * quantity);
      this.#buyQuote.add(ticks * bought);
    }
    this.#count += count;
  }

  bar(): Bar {
    const flat = this.#flat ?? 0;
    return {
      ...(this.#isEmpty
        ? { open: flat, high: flat, low: flat, close: flat }
        : { open: this.#open, high: this.#high, low: this.#low, close: this.#close }),
      ...{ volume: this.#volume, count: this.#count, buyVolume: this.#buyVolume },
      quoteVolume: this.#quoteOfDays + this.#quote.value,
      buyQuoteVolume: this.#buyQuoteOfDays + this.#buyQuote.value,
    };
  }

  #addPrices(open: number, high: number, low: number, close: number): void {
    if (this.#isEmpty) this.#open = open;
    this.#isEmpty = false;
    if (high > this.#high) this.#high = high;
    if (low < this.#low) this.#low = low;
    this.#close = close;
  }
}
