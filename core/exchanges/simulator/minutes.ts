import { divide, pricesOf, type Prices } from './bridge.ts';
import type { DayBar } from './days.ts';
import type { Market } from './markets.ts';
import { mix, Random } from './random.ts';
import { addShares } from './split.ts';

/** A day's bars of one level, as columns. Counts and volumes are halves: trades come in pairs. */
export interface Bars extends Prices {
  /** Pairs of trades in each bar. */
  pairs: Int32Array;
  /** Half the volume of each bar, in lots. */
  halfVolume: Float64Array;
}

export interface MinuteBars extends Bars {
  /** Pairs of the day before each minute; one longer than the day. */
  pairsBefore: Int32Array;
  /** Pairs in which the taker buys, and half the volume these have. */
  buyPairs: Int32Array;
  halfBuyVolume: Float64Array;
}

const level = { hours: 2, minutes: 3 } as const;
export const minutesPerDay = 1_440;
/** A minute with trades has a pair that touches high and low, one that opens and one that closes. */
const minPairs = 3;
const everyHour = new Uint8Array(24).fill(1);
/** UTC hours by usual activity. */
const hourly = [
  ...[0.95, 0.9, 0.85, 0.8, 0.75, 0.75, 0.8, 0.9, 1, 1, 1, 1.05],
  ...[1.2, 1.4, 1.6, 1.55, 1.4, 1.25, 1.15, 1.1, 1.1, 1.05, 1, 0.95],
];

export interface HourBars extends Bars {
  /** Minutes of each hour that have trades. */
  activeMinutes: Int32Array;
}

/** The hours of a day. They agree with the day's bar in open, high, low, close, pairs and volume. */
export function hoursOf(market: Market, day: number, bar: DayBar): HourBars {
  const random = new Random(mix(mix(market.hash, level.hours), day));
  const hours = { ...barsOf(24), activeMinutes: new Int32Array(24) };
  const most = Math.min(60, Math.floor((bar.pairs * 0.7) / (24 * minPairs)));
  const weights = new Float64Array(24);
  let spare = bar.pairs;
  for (let hour = 0; hour < 24; hour++) {
    const active = most === 60 ? 60 : Math.max(1, Math.floor(most * (0.4 + 0.6 * random.next())));
    hours.activeMinutes[hour] = active;
    hours.pairs[hour] = active * minPairs;
    spare -= active * minPairs;
    weights[hour] = (hourly[hour] ?? 1) * (0.6 + 0.8 * random.next());
  }
  addShares(spare, weights, hours.pairs, 0);
  addVolume(bar.halfVolume, bar.pairs, hours, weights, 0);
  divide(bar, everyHour, random, hours, 0);
  return hours;
}

/** The minutes of a day; they agree with its hours. A minute without trades is flat. */
export function minutesOf(market: Market, day: number, bar: DayBar): MinuteBars {
  const hours = hoursOf(market, day, bar);
  const minutes: MinuteBars = {
    ...barsOf(minutesPerDay),
    pairsBefore: new Int32Array(minutesPerDay + 1),
    buyPairs: new Int32Array(minutesPerDay),
    halfBuyVolume: new Float64Array(minutesPerDay),
  };
  const isActive = new Uint8Array(60);
  const weights = new Float64Array(60);
  for (let hour = 0; hour < 24; hour++) {
    const at = hour * 60;
    const random = new Random(mix(mix(mix(market.hash, level.minutes), day), hour));
    const parent = rowOf(hours, hour);
    let wanted = hours.activeMinutes[hour] ?? 0;
    const spare = parent.pairs - wanted * minPairs;
    for (let i = 0; i < 60; i++) {
      const active = wanted === 60 - i || random.next() * (60 - i) < wanted ? 1 : 0;
      wanted -= active;
      isActive[i] = active;
      const u = random.next();
      weights[i] = active * (0.3 + u * u * 2);
      minutes.pairs[at + i] = active * minPairs;
    }
    addShares(spare, weights, minutes.pairs, at);
    addVolume(parent.halfVolume, parent.pairs, minutes, weights, at);
    divide(parent, isActive, random, minutes, at);
    chooseTakers(minutes, random, at);
  }
  for (let i = 0; i < minutesPerDay; i++) {
    minutes.pairsBefore[i + 1] = (minutes.pairsBefore[i] ?? 0) + (minutes.pairs[i] ?? 0);
  }
  return minutes;
}

function rowOf(bars: Bars, index: number): DayBar {
  return {
    open: bars.open[index] ?? 0,
    high: bars.high[index] ?? 0,
    low: bars.low[index] ?? 0,
    close: bars.close[index] ?? 0,
    pairs: bars.pairs[index] ?? 0,
    halfVolume: bars.halfVolume[index] ?? 0,
  };
}

/** Each pair has a lot for each of its trades; the rest goes by weight. */
function addVolume(halfVolume: number, pairs: number, into: Bars, weights: Float64Array, at: number): void {
  for (let i = 0; i < weights.length; i++) into.halfVolume[at + i] = into.pairs[at + i] ?? 0;
  addShares(halfVolume - pairs, weights, into.halfVolume, at);
}

/** What takers buy leans to where the price went. Every buying and every selling pair keeps at least a lot. */
function chooseTakers(minutes: MinuteBars, random: Random, at: number): void {
  for (let i = at; i < at + 60; i++) {
    const pairs = minutes.pairs[i] ?? 0;
    const volume = minutes.halfVolume[i] ?? 0;
    const range = (minutes.high[i] ?? 0) - (minutes.low[i] ?? 0);
    const lean = range === 0 ? 0 : ((minutes.close[i] ?? 0) - (minutes.open[i] ?? 0)) / range;
    const share = Math.max(0, Math.min(1, 0.5 + 0.25 * lean + 0.5 * (random.next() - 0.5)));
    const bought = Math.floor(volume * share);
    const buyPairs = volume === 0 ? 0 : Math.floor(pairs * (bought / volume));
    minutes.buyPairs[i] = buyPairs;
    minutes.halfBuyVolume[i] = buyPairs === 0 ? 0 : bought;
  }
}

function barsOf(length: number): Bars {
  return { ...pricesOf(length), pairs: new Int32Array(length), halfVolume: new Float64Array(length) };
}
