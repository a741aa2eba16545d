import type { Random } from './random.ts';

/** Bars of one level as columns, prices in ticks. */
export interface Prices {
  open: Int32Array;
  high: Int32Array;
  low: Int32Array;
  close: Int32Array;
}

export interface Bounds {
  open: number;
  high: number;
  low: number;
  close: number;
}

export function pricesOf(length: number): Prices {
  return {
    open: new Int32Array(length),
    high: new Int32Array(length),
    low: new Int32Array(length),
    close: new Int32Array(length),
  };
}

/**
 * Divides a bar into `isActive.length` bars that follow each other, written from `at` on: the first opens where the
 * bar opens, each opens where the one before closed, the last closes where the bar closes; the highest high and lowest
 * low are the bar's. Inactive ones are flat. The path is a Brownian bridge folded into the bar's range. At least one
 * child is active.
 */
export function divide(bar: Bounds, isActive: Uint8Array, random: Random, into: Prices, at: number): void {
  let steps = 0;
  for (const active of isActive) steps += active;
  const { open, high, low, close } = bar;
  const deviation = (0.8 * (high - low)) / Math.sqrt(steps);
  const path = new Float64Array(steps + 1);
  for (let i = 1; i <= steps; i++) {
    // Three uniforms are normal enough for a step, and cheap.
    path[i] = (path[i - 1] ?? 0) + 2 * deviation * (random.next() + random.next() + random.next() - 1.5);
  }
  const drift = (close - open - (path[steps] ?? 0)) / steps;
  let step = 0;
  let from = open;
  let highest = { price: -1, index: 0 };
  let lowest = { price: Infinity, index: 0 };
  for (let i = 0; i < isActive.length; i++) {
    const index = at + i;
    let to = from;
    let wickUp = 0;
    let wickDown = 0;
    if (isActive[i] === 1) {
      step++;
      to = step === steps ? close : fold(Math.round(open + (path[step] ?? 0) + drift * step), low, high);
      wickUp = Math.floor(deviation * 0.6 * random.next());
      wickDown = Math.floor(deviation * 0.6 * random.next());
      if (Math.max(from, to) > highest.price) highest = { price: Math.max(from, to), index };
      if (Math.min(from, to) < lowest.price) lowest = { price: Math.min(from, to), index };
    }
    into.open[index] = from;
    into.close[index] = to;
    into.high[index] = Math.min(high, Math.max(from, to) + wickUp);
    into.low[index] = Math.max(low, Math.min(from, to) - wickDown);
    from = to;
  }
  into.high[highest.index] = high;
  into.low[lowest.index] = low;
}

/** Reflects a price at the edges of its range. */
function fold(price: number, low: number, high: number): number {
  const reflected = price > high ? 2 * high - price : price < low ? 2 * low - price : price;
  return Math.max(low, Math.min(high, reflected));
}
