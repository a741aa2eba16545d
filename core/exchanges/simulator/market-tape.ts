import type { LRUCache } from 'lru-cache';
import { DayTable } from './days.ts';
import type { Market } from './markets.ts';
import { minutesOf, minutesPerDay, type MinuteBars } from './minutes.ts';
import { QuietTime, untroubled, withoutQuiet, type Life } from './quiet.ts';
import { QuoteSum } from './quote-sum.ts';
import { tradesOf, type MinuteTrades } from './trades.ts';

export const dayMs = 86_400_000;
export const minuteMs = 60_000;

/** Where a trade stands: minutes since 1970, and its place among the minute's trades. */
export interface Place {
  minute: number;
  index: number;
}

/** What a whole day adds up to, beyond its bar: volume in lots, quote volumes in ticks × lots. */
export interface DayTotals {
  quoteVolume: bigint;
  buyVolume: number;
  buyQuoteVolume: bigint;
}

/** Bounded, and shared by all markets of a tape. */
export interface Caches {
  days: LRUCache<string, MinuteBars>;
  minutes: LRUCache<string, MinuteTrades>;
  totals: LRUCache<string, DayTotals>;
}

export interface MarketTapeOptions {
  market: Market;
  /** Counts the coins that had this name, from 1. */
  listing: number;
  rate: number;
  caches: Caches;
  /** The earlier coin of this name whose ids this one's go on from; they begin at 1 where there is none. */
  continues?: MarketTape | undefined;
}

/**
 * The tape of one coin under one name, from its listing on. Minutes and days count from 1970, UTC; none before the listing
 * may be asked for. In quiet minutes (see {@link Life}) there are no trades, and ids follow each other over them.
 */
export class MarketTape {
  readonly market: Market;
  readonly listing: number;
  readonly days: DayTable;
  readonly firstMinute: number;
  readonly continues: MarketTape | undefined;
  readonly #caches: Caches;
  readonly #key: string;
  #life: Life = untroubled;
  #quiet: QuietTime;
  #oldestId: number | undefined;

  constructor({ market, listing, rate, caches, continues }: MarketTapeOptions) {
    this.market = market;
    this.listing = listing;
    this.days = new DayTable(market, rate);
    this.firstMinute = market.listingDay * minutesPerDay;
    this.continues = continues;
    this.#caches = caches;
    this.#key = `${market.symbol}#${listing}`;
    this.#quiet = this.#quietOf(untroubled);
  }

  get life(): Life {
    return this.#life;
  }

  /** Whoever changes the life of a market clears the caches, and changes nothing that was served. */
  set life(life: Life) {
    this.#life = life;
    this.#quiet = this.#quietOf(life);
    this.#oldestId = undefined;
  }

  /** Id of the first trade. */
  get oldestId(): number {
    this.#oldestId ??= this.continues?.nextId(this.firstMinute * minuteMs) ?? 1;
    return this.#oldestId;
  }

  isListed(ms: number): boolean {
    return ms >= this.firstMinute * minuteMs;
  }

  isGone(ms: number): boolean {
    return ms >= this.#life.gone * minuteMs;
  }

  isDelisted(ms: number): boolean {
    return ms >= this.#life.delisted * minuteMs;
  }

  /** As exchangeInfo words it. */
  status(ms: number): 'TRADING' | 'HALT' | 'BREAK' {
    if (this.isDelisted(ms)) return 'BREAK';
    const minute = Math.floor(ms / minuteMs);
    return this.#life.halts.some(({ from, to }) => from <= minute && minute < to) ? 'HALT' : 'TRADING';
  }

  /** Whether there can be trades at this time. */
  isTrading(ms: number): boolean {
    return this.isListed(ms) && this.#quiet.over(Math.floor(ms / minuteMs)) === undefined;
  }

  /** The first minute from this one on that is not quiet; Infinity where all are. */
  resumes(minute: number): number {
    return this.#quiet.over(minute)?.to ?? minute;
  }

  /** Whether a day of the tape beneath is also one of the market's, with all that it adds up to. */
  isWhole(day: number): boolean {
    return !this.#quiet.touches(day);
  }

  /** Minutes without bars that a bar of minutes [from, to) lies wholly in: the exchange does not make it. */
  absentOver(from: number, to: number) {
    return this.#quiet.absentOver(from, to);
  }

  minutes(day: number): MinuteBars {
    if (!this.#quiet.touches(day)) return this.#beneath(day);
    const key = `${this.#key}:${day}:quiet`;
    const held = this.#caches.days.get(key);
    if (held !== undefined) return held;
    const before = this.closeBefore(day * minutesPerDay);
    const made = withoutQuiet(this.#beneath(day), day, this.#quiet, before);
    this.#caches.days.set(key, made);
    return made;
  }

  /** What a whole day adds up to. Years may be asked for: the minutes they are made of do not displace those in use. */
  totals(day: number): DayTotals {
    const key = `${this.#key}:${day}`;
    const held = this.#caches.totals.get(key);
    if (held !== undefined) return held;
    const minutes = this.#caches.days.peek(key) ?? minutesOf(this.market, day, this.days.bar(day));
    const made = totalsOf(minutes);
    this.#caches.totals.set(key, made);
    return made;
  }

  trades(minute: number): MinuteTrades {
    const key = `${this.#key}:${minute}`;
    const held = this.#caches.minutes.get(key);
    if (held !== undefined) return held;
    const day = Math.floor(minute / minutesPerDay);
    const made = tradesOf(this.market, day, this.minutes(day), minute - day * minutesPerDay);
    this.#caches.minutes.set(key, made);
    return made;
  }

  /** Price of the last trade before a minute, in ticks; before the first one, the opening price. */
  closeBefore(minute: number): number {
    const quiet = this.#quiet.over(minute - 1);
    const last = (quiet?.from ?? minute) - 1;
    if (last < this.firstMinute) return this.days.bar(this.market.listingDay).open;
    const day = Math.floor(last / minutesPerDay);
    return this.minutes(day).close[last - day * minutesPerDay] ?? 0;
  }

  /** Id the first trade of a minute has, or would have. */
  firstId(minute: number): number {
    return this.oldestId + 2 * (this.#pairsBefore(minute) - this.#quiet.leftOut(minute));
  }

  /** Id the next trade after this instant will have: all below it happened at or before `ms`. */
  nextId(ms: number): number {
    if (!this.isListed(ms)) return this.oldestId;
    const minute = Math.floor(ms / minuteMs);
    return this.firstId(minute) + this.countUpTo(minute, ms);
  }

  /** Trades of a minute that happened at or before `ms`. */
  countUpTo(minute: number, ms: number): number {
    const { offsetMs } = this.trades(minute);
    const offset = ms - minute * minuteMs;
    let low = 0;
    let high = offsetMs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((offsetMs[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the trade with this id stands, which has happened or will. */
  placeOf(id: number): Place {
    const traded = Math.floor((id - this.oldestId) / 2);
    const pair = traded + this.#quiet.leftOutOf(traded);
    const day = this.days.dayOfPair(pair);
    const { pairsBefore } = this.#beneath(day);
    const within = pair - this.days.pairsBefore(day);
    let low = 0;
    let high = minutesPerDay;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((pairsBefore[middle] ?? 0) <= within) low = middle;
      else high = middle;
    }
    // Empty minutes share the pairs before them with the minute that follows: the search ends on the last of these.
    return { minute: day * minutesPerDay + low, index: id - this.firstId(day * minutesPerDay + low) };
  }

  #quietOf(life: Life): QuietTime {
    return new QuietTime(life, (minute) => this.#pairsBefore(minute));
  }

  /** A day as if there were no quiet minutes. */
  #beneath(day: number): MinuteBars {
    const key = `${this.#key}:${day}`;
    const held = this.#caches.days.get(key);
    if (held !== undefined) return held;
    const made = minutesOf(this.market, day, this.days.bar(day));
    this.#caches.days.set(key, made);
    return made;
  }

  /** Pairs beneath before a minute; none before the listing. */
  #pairsBefore(minute: number): number {
    if (minute <= this.firstMinute) return 0;
    if (minute === Infinity) return Infinity;
    const day = Math.floor(minute / minutesPerDay);
    const within = minute - day * minutesPerDay;
    return this.days.pairsBefore(day) + (within === 0 ? 0 : (this.#beneath(day).pairsBefore[within] ?? 0));
  }
}

function totalsOf(minutes: MinuteBars): DayTotals {
  const quote = new QuoteSum();
  const buyQuote = new QuoteSum();
  let buyVolume = 0;
  for (let i = 0; i < minutesPerDay; i++) {
    const sum = (minutes.high[i] ?? 0) + (minutes.low[i] ?? 0);
    const halfBuy = minutes.halfBuyVolume[i] ?? 0;
    quote.add(sum * (minutes.halfVolume[i] ?? 0));
    buyQuote.add(sum * halfBuy);
    buyVolume += 2 * halfBuy;
  }
  return { quoteVolume: quote.value, buyVolume, buyQuoteVolume: buyQuote.value };
}
