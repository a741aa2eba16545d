import type { Market } from './markets.ts';
import type { MinuteBars } from './minutes.ts';
import { mix, Random } from './random.ts';
import { addShares } from './split.ts';

/** The trades of one minute in the order of their ids, as columns. */
export interface MinuteTrades {
  /** In ticks. */
  price: Int32Array;
  /** In lots. */
  lots: Float64Array;
  /** Milliseconds since the minute began, never falling. */
  offsetMs: Uint16Array;
  /** 1 where the taker sold. */
  buyerIsMaker: Uint8Array;
}

const level = 4;

/**
 * The trades of minute `index` of a day. They come as twins about the bar's centre: one at p, one at high + low − p, with
 * equal quantity and taker's side. So quote volume = (high + low) × half volume, exactly and without making a trade. The
 * first trade is at the open, the last at the close; between them the price goes to one end of the range, to the other,
 * and back.
 */
export function tradesOf(market: Market, day: number, minutes: MinuteBars, index: number): MinuteTrades {
  const pairs = minutes.pairs[index] ?? 0;
  const count = 2 * pairs;
  const trades: MinuteTrades = {
    price: new Int32Array(count),
    lots: new Float64Array(count),
    offsetMs: new Uint16Array(count),
    buyerIsMaker: new Uint8Array(count),
  };
  if (pairs === 0) return trades;
  const random = new Random(mix(mix(mix(market.hash, level), day), index));
  const low = minutes.low[index] ?? 0;
  const sum = low + (minutes.high[index] ?? 0);
  const open = minutes.open[index] ?? 0;
  const close = minutes.close[index] ?? 0;

  const lows = lowerTwins(pairs, low, sum, open, close, random);
  const buys = chosen(pairs, minutes.buyPairs[index] ?? 0, random);
  const lots = quantities(buys, minutes.halfBuyVolume[index] ?? 0, minutes.halfVolume[index] ?? 0, random);
  const isMirrored = random.next() < 0.5;
  const from = isMirrored ? sum - open : open;
  const to = isMirrored ? sum - close : close;
  const places = walk(lows, sum, from, to, random);
  for (let i = 0; i < count; i++) {
    const place = places[i] ?? 0;
    const pair = place < pairs ? place : count - 1 - place;
    const price = place < pairs ? (lows[pair] ?? 0) : sum - (lows[pair] ?? 0);
    trades.price[i] = isMirrored ? sum - price : price;
    trades.lots[i] = lots[pair] ?? 0;
    trades.buyerIsMaker[i] = 1 - (buys[pair] ?? 0);
    trades.offsetMs[i] = Math.floor((60_000 * (i + random.next())) / count);
  }
  return trades;
}

/** Prices of the lower twin of each pair, rising: the low itself, those of open and close, the others anywhere. */
function lowerTwins(
  pairs: number,
  low: number,
  sum: number,
  open: number,
  close: number,
  random: Random,
): Int32Array {
  const lows = new Int32Array(pairs);
  const places = Math.floor(sum / 2) - low + 1;
  lows[0] = low;
  lows[1] = Math.min(open, sum - open);
  lows[2] = Math.min(close, sum - close);
  for (let i = 3; i < pairs; i++) lows[i] = low + random.below(places);
  return lows.sort();
}

/** Marks exactly `wanted` of `length`, each set equally likely. */
function chosen(length: number, wanted: number, random: Random): Uint8Array {
  const marks = new Uint8Array(length);
  let left = wanted;
  for (let i = 0; i < length && left > 0; i++) {
    if (random.next() * (length - i) >= left) continue;
    marks[i] = 1;
    left--;
  }
  return marks;
}

/** Quantity of each pair's trades: buying pairs add up to `buyVolume`, all to `volume`, none is below a lot. */
function quantities(buys: Uint8Array, buyVolume: number, volume: number, random: Random): Float64Array {
  const lots = new Float64Array(buys.length).fill(1);
  const buyWeights = new Float64Array(buys.length);
  const sellWeights = new Float64Array(buys.length);
  let buyPairs = 0;
  for (let i = 0; i < buys.length; i++) {
    const u = random.next();
    const weight = 0.02 + u ** 8 * 4;
    if (buys[i] === 1) {
      buyPairs++;
      buyWeights[i] = weight;
    } else {
      sellWeights[i] = weight;
    }
  }
  const sellPairs = buys.length - buyPairs;
  if (buyPairs > 0) addShares(buyVolume - buyPairs, buyWeights, lots, 0);
  if (sellPairs > 0) addShares(volume - buyVolume - sellPairs, sellWeights, lots, 0);
  return lots;
}

/**
 * Places of the sorted prices (lower twins rising, then upper twins) in the order of time: from `from` down to the low,
 * up to the high, and back to `to`, with neighbours swapped now and then.
 */
function walk(lows: Int32Array, sum: number, from: number, to: number, random: Random): Int32Array {
  const pairs = lows.length;
  const count = 2 * pairs;
  const priceAt = (place: number) =>
    place < pairs ? (lows[place] ?? 0) : sum - (lows[count - 1 - place] ?? 0);
  const first = placeOf(lows, sum, from, -1);
  const last = placeOf(lows, sum, to, first);
  const legs = new Uint8Array(count);
  for (let place = 0; place < count; place++) {
    if (place === first || place === last) continue;
    const price = priceAt(place);
    const u = random.next();
    if (price <= from && u < 0.34) legs[place] = 1;
    else if (price >= to && u > 0.66) legs[place] = 3;
    else legs[place] = 2;
  }
  const order = new Int32Array(count);
  order[0] = first;
  order[count - 1] = last;
  let next = 1;
  for (let place = count - 1; place >= 0; place--) if (legs[place] === 1) order[next++] = place;
  for (let place = 0; place < count; place++) if (legs[place] === 2) order[next++] = place;
  for (let place = count - 1; place >= 0; place--) if (legs[place] === 3) order[next++] = place;
  for (let i = 1; i < count - 2; i++) {
    if (random.next() >= 0.3) continue;
    const one = order[i] ?? 0;
    order[i] = order[i + 1] ?? 0;
    order[i + 1] = one;
  }
  return order;
}

/** A place that has this price, other than `taken`. */
function placeOf(lows: Int32Array, sum: number, price: number, taken: number): number {
  const count = 2 * lows.length;
  const lower = Math.min(price, sum - price);
  const isLower = price === lower;
  const pair = lows.indexOf(lower);
  const place = isLower ? pair : count - 1 - pair;
  if (place !== taken) return place;
  const other = lows.lastIndexOf(lower);
  return isLower ? other : count - 1 - other;
}
