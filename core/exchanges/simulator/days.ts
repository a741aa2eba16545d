import type { Market } from './markets.ts';
import { mix, Random } from './random.ts';

/** A whole day of a market. Trades come in pairs; halves of what they add up to keep every sum a whole number. */
export interface DayBar {
  open: number;
  high: number;
  low: number;
  close: number;
  /** Pairs of trades. */
  pairs: number;
  /** Half the volume, in lots. */
  halfVolume: number;
}

const level = 1;
const minPrice = 20;
/** An hour has at least one minute with trades, and such a minute has three pairs. */
const minPairs = 120;
const reversion = 0.0015;
const shockWeight = 0.09;
const persistence = 0.88;

/**
 * A market's days, computed in order from its listing on as far as asked for and kept: prices by a mean-reverting walk
 * whose variance follows GARCH(1,1) (Bollerslev, 1986), counts with their prefix sums, so that the ids of any day are
 * known without making its trades.
 */
export class DayTable {
  readonly #market: Market;
  readonly #rate: number;
  readonly #days: DayBar[] = [];
  /** Pairs before each day, and after the last. */
  readonly #pairsBefore: number[] = [0];
  #logDeviation = 0;
  #variance: number;
  #lastClose: number;

  constructor(market: Market, rate: number) {
    this.#market = market;
    this.#rate = rate;
    this.#variance = market.dailyVolatility ** 2;
    this.#lastClose = market.anchorTicks;
  }

  /** `day` counts from 1970 and is not before the listing. */
  bar(day: number): DayBar {
    const index = day - this.#market.listingDay;
    while (this.#days.length <= index) this.#append();
    const bar = this.#days[index];
    if (bar === undefined) throw new RangeError(`${this.#market.symbol} was not listed on day ${day}`);
    return bar;
  }

  /** Pairs of trades of all days before this one. */
  pairsBefore(day: number): number {
    const index = day - this.#market.listingDay;
    while (this.#days.length < index) this.#append();
    return this.#pairsBefore[index] ?? 0;
  }

  /** The day that holds a pair, counted from 0. */
  dayOfPair(pair: number): number {
    while ((this.#pairsBefore.at(-1) ?? 0) <= pair) this.#append();
    let low = 0;
    let high = this.#days.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#pairsBefore[middle] ?? 0) <= pair) low = middle;
      else high = middle;
    }
    return this.#market.listingDay + low;
  }

  #append(): void {
    const { hash, listingDay, anchorTicks, dailyVolatility, tradesPerMinute, lotsPerTrade } = this.#market;
    const day = listingDay + this.#days.length;
    const random = new Random(mix(mix(hash, level), day));
    const deviation = Math.sqrt(this.#variance);
    const move = deviation * random.normal();
    this.#logDeviation += move - reversion * this.#logDeviation;
    const usual = dailyVolatility ** 2;
    this.#variance =
      (1 - shockWeight - persistence) * usual + shockWeight * move ** 2 + persistence * this.#variance;

    const open = this.#lastClose;
    const close = Math.max(minPrice, Math.round(anchorTicks * Math.exp(this.#logDeviation)));
    const wick = () => Math.round(Math.min(open, close) * deviation * 0.5 * Math.abs(random.normal()));
    const high = Math.max(open, close) + wick();
    const low = Math.max(minPrice >> 1, Math.min(open, close) - wick());

    const weekday = (day + 4) % 7;
    const mood = (0.5 + (0.5 * deviation) / dailyVolatility) * (0.85 + 0.3 * random.next());
    const activity = mood * (weekday === 0 || weekday === 6 ? 0.8 : 1);
    const pairs = Math.max(minPairs, Math.round(tradesPerMinute * 720 * this.#rate * activity));
    const lots = lotsPerTrade * (anchorTicks / close) * (0.8 + 0.4 * random.next());
    const halfVolume = pairs + Math.round(pairs * Math.max(1, lots - 1));

    this.#days.push({ open, high, low, close, pairs, halfVolume });
    this.#pairsBefore.push((this.#pairsBefore.at(-1) ?? 0) + pairs);
    this.#lastClose = close;
  }
}
