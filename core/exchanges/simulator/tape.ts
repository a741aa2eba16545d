import { LRUCache } from 'lru-cache';
import { DayTable } from './days.ts';
import { marketsOf, type Market } from './markets.ts';
import { minutesOf, minutesPerDay, type MinuteBars } from './minutes.ts';
import { QuoteSum } from './quote-sum.ts';
import { tradesOf, type MinuteTrades } from './trades.ts';

export const dayMs = 86_400_000;
export const minuteMs = 60_000;

export interface TapeOptions {
  seed: number;
  /** How many markets are listed. */
  symbols: number;
  /** Multiplies the number of trades; another rate is another tape. */
  rate?: number;
}

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

const daysKept = 1_200;
const minutesKept = 2_000;
const totalsKept = 100_000;

/**
 * Every trade of every market from listing on, as a pure function of (seed, market, minute): any part can be asked for
 * first, nothing else is generated, and what was asked for lately is kept in bounded caches. Ids of a market count from
 * 1 without holes.
 */
export class Tape {
  readonly seed: number;
  readonly markets: readonly MarketTape[];
  readonly #bySymbol: ReadonlyMap<string, MarketTape>;

  constructor({ seed, symbols, rate = 1 }: TapeOptions) {
    const caches: Caches = {
      days: new LRUCache({ max: daysKept }),
      minutes: new LRUCache({ max: minutesKept }),
      totals: new LRUCache({ max: totalsKept }),
    };
    this.seed = seed;
    this.markets = marketsOf(seed, symbols).map((market) => new MarketTape(market, rate, caches));
    this.#bySymbol = new Map(this.markets.map((tape) => [tape.market.symbol, tape]));
  }

  market(symbol: string): MarketTape | undefined {
    return this.#bySymbol.get(symbol);
  }
}

interface Caches {
  days: LRUCache<string, MinuteBars>;
  minutes: LRUCache<string, MinuteTrades>;
  totals: LRUCache<string, DayTotals>;
}

/** One market's tape. Minutes and days count from 1970, UTC; none before the listing may be asked for. */
export class MarketTape {
  readonly market: Market;
  readonly days: DayTable;
  readonly firstMinute: number;
  readonly #caches: Caches;

  constructor(market: Market, rate: number, caches: Caches) {
    this.market = market;
    this.days = new DayTable(market, rate);
    this.firstMinute = market.listingDay * minutesPerDay;
    this.#caches = caches;
  }

  /** Whether the market trades at this time. */
  isListed(ms: number): boolean {
    return ms >= this.firstMinute * minuteMs;
  }

  minutes(day: number): MinuteBars {
    const key = `${this.market.symbol}:${day}`;
    const held = this.#caches.days.get(key);
    if (held !== undefined) return held;
    const made = minutesOf(this.market, day, this.days.bar(day));
    this.#caches.days.set(key, made);
    return made;
  }

  /** Years of these may be asked for at once: the minutes they are made of do not displace those in use. */
  totals(day: number): DayTotals {
    const key = `${this.market.symbol}:${day}`;
    const held = this.#caches.totals.get(key);
    if (held !== undefined) return held;
    const minutes = this.#caches.days.peek(key) ?? minutesOf(this.market, day, this.days.bar(day));
    const made = totalsOf(minutes);
    this.#caches.totals.set(key, made);
    return made;
  }

  trades(minute: number): MinuteTrades {
    const key = `${this.market.symbol}:${minute}`;
    const held = this.#caches.minutes.get(key);
    if (held !== undefined) return held;
    const day = Math.floor(minute / minutesPerDay);
    const made = tradesOf(this.market, day, this.minutes(day), minute - day * minutesPerDay);
    this.#caches.minutes.set(key, made);
    return made;
  }

  /** Id the first trade of a minute has, or would have. */
  firstId(minute: number): number {
    const day = Math.floor(minute / minutesPerDay);
    const before = this.minutes(day).pairsBefore[minute - day * minutesPerDay] ?? 0;
    return 1 + 2 * (this.days.pairsBefore(day) + before);
  }

  /** Id the next trade after this instant will have: all below it happened at or before `ms`. */
  nextId(ms: number): number {
    if (!this.isListed(ms)) return 1;
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

  /** Where the trade with this id (≥ 1) stands. */
  placeOf(id: number): Place {
    const pair = Math.floor((id - 1) / 2);
    const day = this.days.dayOfPair(pair);
    const { pairsBefore } = this.minutes(day);
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
