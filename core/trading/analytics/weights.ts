import { at, dot, nth, quadratic, sum, times, type Matrix } from './matrix.ts';

/** Shares of a portfolio: none below 0, none above the cap, together 1. */
export type Weights = number[];

const pairStepsMax = 200_000;
const sweepsMax = 10_000;
const halvingsMax = 200;
const growthsMax = 100;
const tolerance = 1e-12;

/**
 * The weights of least variance (Markowitz 1952).
 * @param cap share of one asset at most; all of them together must reach 1
 * @throws RangeError where they do not, or the covariance is none
 */
export function minimumVariance(covariance: Matrix, cap = 1): Weights {
  return leastCost(
    covariance,
    covariance.map(() => 0),
    cap,
  );
}

/**
 * The weights of which each asset bears the same share of the risk, as far as the cap lets it: the least of
 * `w'Σw / 2 - c Σ ln w` with the `c` at which the weights sum to 1. Maillard, Roncalli and Teïletche, "The Properties of
 * Equally Weighted Risk Contribution Portfolios" (2010); with bounds Richard and Roncalli, "Constrained Risk Budgeting
 * Portfolios" (2019), by cyclical coordinate descent.
 * @throws RangeError where the cap is too low, or an asset has no variance
 */
export function riskParity(covariance: Matrix, cap = 1): Weights {
  assertReachable(covariance.length, cap);
  if (covariance.some((row, i) => !(nth(row, i) > 0))) throw new RangeError('an asset has no variance');
  if (covariance.length * cap <= 1 + tolerance) return evenly(covariance.length);
  const scale = Math.max(...covariance.map((row, i) => nth(row, i)));
  const scaled = covariance.map((row) => row.map((value) => value / scale));
  let weights = evenly(covariance.length);
  let [low, high] = [0, 1];
  const of = (pressure: number): Weights => (weights = underPressure(scaled, cap, pressure, weights));
  while (sum(of(high)) < 1) high *= 4;
  for (let i = 0; i < halvingsMax && high - low > high * 1e-15; i += 1) {
    const middle = (low + high) / 2;
    if (sum(of(middle)) < 1) low = middle;
    else high = middle;
  }
  const found = of(high);
  const total = sum(found);
  return found.map((weight) => Math.min(cap, weight / total));
}

/**
 * The weights of the highest ratio of excess return to deviation (Sharpe 1966). On the way from least variance to highest
 * return, `w(λ)` with the least `w'Σw / 2 - λ μ'w`, it is where `λ = w'Σw / μ'w`.
 * @param excess expected returns beyond the riskless one, of the covariance's period
 * @returns undefined where no weights have an expected return above 0
 * @throws RangeError as {@link minimumVariance}
 */
export function maximumSharpe(covariance: Matrix, excess: readonly number[], cap = 1): Weights | undefined {
  assertReachable(covariance.length, cap);
  if (dot(highestReturn(excess, cap), excess) <= 0) return undefined;
  const beyond = (lambda: number): boolean => {
    const weights = leastCost(
      covariance,
      excess.map((value) => -lambda * value),
      cap,
    );
    const gain = dot(weights, excess);
    return gain > 0 && quadratic(covariance, weights) / gain <= lambda;
  };
  let [low, high] = [0, 1];
  for (let growths = 0; !beyond(high); growths += 1) {
    // The highest return is so little that rounding leaves nothing of it.
    if (growths === growthsMax) return undefined;
    [low, high] = [high, high * 4];
  }
  for (let i = 0; i < halvingsMax && high - low > high * 1e-14; i += 1) {
    const middle = (low + high) / 2;
    if (beyond(middle)) high = middle;
    else low = middle;
  }
  return leastCost(
    covariance,
    excess.map((value) => -high * value),
    cap,
  );
}

/**
 * The weights of the least `w'Σw / 2 + c'w`: what the pair gains most from that may take from each other is moved by as much
 * as helps, until no pair gains (Platt's sequential minimal optimization, with the pair of highest violation). There the
 * conditions of Karush, Kuhn and Tucker hold, which say that nothing is better.
 */
function leastCost(covariance: Matrix, costs: readonly number[], cap: number): Weights {
  const count = covariance.length;
  assertReachable(count, cap);
  const weights = evenly(count);
  const slopes = times(covariance, weights).map((slope, i) => slope + nth(costs, i));
  const sizes = [...covariance.map((row, i) => Math.abs(nth(row, i))), ...costs.map(Math.abs)];
  const goal = tolerance * Math.max(...sizes);
  for (let step = 0; step < pairStepsMax; step += 1) {
    let [from, to] = [-1, -1];
    for (let i = 0; i < count; i += 1) {
      if (nth(weights, i) > 0 && (from < 0 || nth(slopes, i) > nth(slopes, from))) from = i;
      if (nth(weights, i) < cap && (to < 0 || nth(slopes, i) < nth(slopes, to))) to = i;
    }
    if (from < 0 || to < 0) return weights;
    const gain = nth(slopes, from) - nth(slopes, to);
    if (!(gain > goal)) return weights;
    const curve = at(covariance, from, from) + at(covariance, to, to) - 2 * at(covariance, from, to);
    const [give, room] = [nth(weights, from), cap - nth(weights, to)];
    const moved = Math.min(give, room, curve > 0 ? gain / curve : Infinity);
    weights[from] = moved === give ? 0 : give - moved;
    weights[to] = moved === room ? cap : nth(weights, to) + moved;
    for (let i = 0; i < count; i += 1)
      slopes[i] = nth(slopes, i) + moved * (at(covariance, i, to) - at(covariance, i, from));
  }
  throw new RangeError('the weights do not settle: the covariance is not one, or nearly singular');
}

/** The least of `w'Σw / 2 - pressure Σ ln w` with no weight above the cap; a weight at a time, from some weights on. */
function underPressure(covariance: Matrix, cap: number, pressure: number, from: Weights): Weights {
  const weights = [...from];
  for (let sweep = 0; sweep < sweepsMax; sweep += 1) {
    let moved = 0;
    for (let i = 0; i < weights.length; i += 1) {
      const variance = at(covariance, i, i);
      const others = dot(covariance[i] ?? [], weights) - variance * nth(weights, i);
      const root = Math.sqrt(others * others + 4 * variance * pressure);
      const best = Math.min(cap, (root - others) / (2 * variance));
      moved = Math.max(moved, Math.abs(best - nth(weights, i)));
      weights[i] = best;
    }
    if (moved < 1e-14) break;
  }
  return weights;
}

function highestReturn(excess: readonly number[], cap: number): Weights {
  let left = 1;
  const weights = excess.map(() => 0);
  for (const { place } of excess
    .map((value, place) => ({ value, place }))
    .sort((a, b) => b.value - a.value)) {
    const taken = Math.min(left, cap);
    weights[place] = taken;
    left -= taken;
  }
  return weights;
}

function evenly(count: number): Weights {
  return Array.from({ length: count }, () => 1 / count);
}

function assertReachable(count: number, cap: number): void {
  if (!(cap > 0) || count === 0 || count * cap < 1 - tolerance)
    throw new RangeError(`${count} assets of at most ${cap} each do not make 1`);
}
