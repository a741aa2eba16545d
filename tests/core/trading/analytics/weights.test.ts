import { describe, expect, it } from 'vitest';
import { allocate } from '#core/trading/analytics/allocate.ts';
import { shrunkCovariance } from '#core/trading/analytics/covariance.ts';
import { at, dot, quadratic, sum, times, type Matrix } from '#core/trading/analytics/matrix.ts';
import { maximumSharpe, minimumVariance, riskParity } from '#core/trading/analytics/weights.ts';
import { randomOf } from '#tests/faults/random.ts';

/** Ways to compare with, in each of the cases. */
const others = 10_000;
const close = (values: readonly number[], digits = 9): unknown =>
  values.map((value) => expect.closeTo(value, digits) as number);

/** Two assets with deviations 0.2 and 0.1, that correlate so much. */
const pair = (correlation: number): Matrix => [
  [0.04, 0.02 * correlation],
  [0.02 * correlation, 0.01],
];

describe('minimum variance', () => {
  it('of two assets is what can be worked out by hand', () => {
    // w₁ = (σ₂² - σ₁₂) / (σ₁² + σ₂² - 2σ₁₂)
    expect(minimumVariance(pair(0))).toEqual(close([0.2, 0.8]));
    expect(minimumVariance(pair(-0.5))).toEqual(close([0.02 / 0.07, 0.05 / 0.07]));
    // Long only: the better one would be bought with what the other is sold short for.
    expect(minimumVariance(pair(0.9))).toEqual(close([0, 1]));
    expect(minimumVariance(pair(0.9), 0.7)).toEqual(close([0.3, 0.7]));
    expect(minimumVariance([[0.04]])).toEqual([1]);
  });

  it('is at least as good as ten thousand other ways, whatever the covariance', () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const { covariance, size, random } = drawn(seed);
      const cap = seed % 2 === 0 ? 1 : 1.5 / size;
      const weights = minimumVariance(covariance, cap);
      assertFeasible(weights, cap);
      const variance = quadratic(covariance, weights);
      let least = Number.POSITIVE_INFINITY;
      for (let i = 0; i < others; i += 1)
        least = Math.min(least, quadratic(covariance, someWeights(random, size, cap)));
      expect(least).toBeGreaterThanOrEqual(variance * (1 - 1e-9));
      expect(least).toBeLessThan(variance * 3);
    }
  });

  it('is refused where the caps do not reach the whole', () => {
    expect(() => minimumVariance(pair(0), 0.4)).toThrow(/do not make 1/);
    expect(minimumVariance(pair(0), 0.5)).toEqual(close([0.5, 0.5]));
  });
});

describe('risk parity', () => {
  it('of two assets is by the inverse of their deviations, however they correlate', () => {
    for (const correlation of [-0.9, 0, 0.5, 0.99])
      expect(riskParity(pair(correlation))).toEqual(close([1 / 3, 2 / 3]));
  });

  it('shares the risk evenly among those that the cap leaves free', () => {
    for (const seed of [11, 12, 13, 14, 15, 16]) {
      const { covariance, size } = drawn(seed);
      const free = riskParity(covariance);
      assertFeasible(free, 1);
      expect(contributions(covariance, free)).toEqual(
        close(
          free.map(() => 1 / size),
          7,
        ),
      );
      const cap = Math.max(1.2 / size, Math.max(...free) * 0.8);
      const capped = riskParity(covariance, cap);
      assertFeasible(capped, cap);
      const shares = contributions(covariance, capped);
      const inside = shares.filter((_, i) => (capped[i] ?? 0) < cap - 1e-9);
      expect(inside.length).toBeLessThan(size);
      expect(inside).toEqual(
        close(
          inside.map(() => inside[0] ?? 0),
          6,
        ),
      );
      // Who is held back by the cap bears less than the others.
      for (const [i, share] of shares.entries())
        if ((capped[i] ?? 0) >= cap - 1e-9) expect(share).toBeLessThanOrEqual((inside[0] ?? 1) + 1e-7);
    }
  });

  it('is even where the cap allows nothing else, and takes a risk to share', () => {
    expect(riskParity(pair(0.3), 0.5)).toEqual([0.5, 0.5]);
    expect(() =>
      riskParity([
        [0.04, 0],
        [0, 0],
      ]),
    ).toThrow(/no variance/);
  });
});

describe('maximum Sharpe ratio', () => {
  it('of two assets is what can be worked out by hand', () => {
    // w ∝ Σ⁻¹μ: without correlation μ₁/σ₁² : μ₂/σ₂².
    expect(maximumSharpe(pair(0), [0.08, 0.03])).toEqual(close([2 / 5, 3 / 5], 7));
    expect(maximumSharpe(pair(0), [0.08, 0.03], 0.55)).toEqual(close([0.45, 0.55], 7));
    expect(maximumSharpe(pair(0), [0.08, -0.03])).toEqual(close([1, 0], 7));
  });

  it('is at least as good as ten thousand other ways, whatever is expected', () => {
    for (const seed of [21, 22, 23, 24, 25, 26, 27, 28]) {
      const { covariance, size, random, means } = drawn(seed);
      const cap = seed % 2 === 0 ? 1 : 1.6 / size;
      const weights = maximumSharpe(covariance, means, cap);
      if (weights === undefined) throw new Error('nothing was found');
      assertFeasible(weights, cap);
      const ratio = (some: readonly number[]): number =>
        dot(some, means) / Math.sqrt(quadratic(covariance, some));
      let best = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < others; i += 1) best = Math.max(best, ratio(someWeights(random, size, cap)));
      expect(best).toBeLessThanOrEqual(ratio(weights) + 1e-9);
      expect(best).toBeGreaterThan(ratio(weights) * 0.5);
    }
  });

  it('is none where nothing is expected to gain', () => {
    expect(maximumSharpe(pair(0), [-0.01, 0])).toBeUndefined();
  });

  it('is none where rounding leaves nothing of what is expected', () => {
    const excess = [
      ...[0.0012358372960470944, -0.00552213520831815, 0.00038710657693489517, -0.004602677473327538],
      -0.006468567691210068,
    ];
    const covariance = excess.map((_, i) => excess.map((_other, j) => (i === j ? 0.0001 : 0.00003)));
    expect(maximumSharpe(covariance, excess, 0.4250600717612822)).toBeUndefined();
  });
});

describe('the shrunk covariance', () => {
  it('lies between what was observed and equal correlations', () => {
    const { returns } = drawn(31);
    const { covariance, shrinkage, means } = shrunkCovariance(returns);
    expect(shrinkage).toBeGreaterThan(0);
    expect(shrinkage).toBeLessThan(1);
    const size = means.length;
    const sample = (i: number, j: number): number =>
      sum(returns.map((row) => ((row[i] ?? 0) - (means[i] ?? 0)) * ((row[j] ?? 0) - (means[j] ?? 0)))) /
      returns.length;
    for (let i = 0; i < size; i += 1) expect(at(covariance, i, i)).toBeCloseTo(sample(i, i), 12);
    expect(
      quadratic(
        covariance,
        means.map((_, i) => (i % 2 === 0 ? 1 : -1)),
      ),
    ).toBeGreaterThan(0);
  });

  it('of few observations is shrunk more than that of many', () => {
    const { returns } = drawn(32, 4_000);
    const few = shrunkCovariance(returns.slice(0, 25)).shrinkage;
    expect(few).toBeGreaterThan(shrunkCovariance(returns).shrinkage);
  });

  it('of two assets leaves them as observed: any two correlate alike', () => {
    const returns = drawn(33).returns.map((row) => row.slice(0, 2));
    expect(shrunkCovariance(returns).covariance[0]?.[1]).toBeCloseTo(
      sum(returns.map(([a = 0, b = 0]) => a * b)) / returns.length -
        (sum(returns.map(([a = 0]) => a)) / returns.length) *
          (sum(returns.map(([, b = 0]) => b)) / returns.length),
      12,
    );
  });

  it('takes an asset that stands still', () => {
    const returns = drawn(34).returns.map((row) => [...row, 0]);
    const { covariance } = shrunkCovariance(returns);
    expect(covariance.at(-1)).toEqual(close(covariance.map(() => 0)));
    const allocation = allocate({ method: 'minimum_variance', returns, cap: 0.5, riskless: 0 });
    expect(allocation?.weights.at(-1)).toBeCloseTo(0.5, 9);
  });
});

function contributions(covariance: Matrix, weights: readonly number[]): number[] {
  const slopes = times(covariance, weights);
  const variance = quadratic(covariance, weights);
  return weights.map((weight, i) => (weight * (slopes[i] ?? 0)) / variance);
}

function assertFeasible(weights: readonly number[], cap: number): void {
  expect(sum(weights)).toBeCloseTo(1, 9);
  for (const weight of weights) {
    expect(weight).toBeGreaterThanOrEqual(0);
    expect(weight).toBeLessThanOrEqual(cap + 1e-12);
  }
}

/** Returns of 3 to 10 assets that share a market, and their covariance. */
function drawn(seed: number, periods = 120) {
  const random = randomOf(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
  const size = 3 + Math.floor(random() * 8);
  const assets = Array.from({ length: size }, () => ({
    beta: 0.3 + random(),
    own: 0.005 + random() * 0.04,
    drift: (random() - 0.3) * 0.004,
  }));
  const returns = Array.from({ length: periods }, () => {
    const market = normal() * 0.02;
    return assets.map(({ beta, own, drift }) => drift + beta * market + own * normal());
  });
  const { covariance, means } = shrunkCovariance(returns);
  return {
    size,
    random,
    returns,
    covariance,
    means: means.map((value, i) => (i === 0 ? Math.abs(value) : value)),
  };
}

/** Some weights under the cap: shares at random, what is above the cap spread over the others. */
function someWeights(random: () => number, size: number, cap: number): number[] {
  const draws = Array.from({ length: size }, () => (random() < 0.3 ? 0 : -Math.log(random() + 1e-12)));
  let weights = sum(draws) === 0 ? draws.map(() => 1 / size) : draws.map((draw) => draw / sum(draws));
  for (let round = 0; round < 100 && Math.max(...weights) > cap; round += 1) {
    const over = sum(weights.map((weight) => Math.max(0, weight - cap)));
    const room = sum(weights.map((weight) => Math.max(0, cap - weight)));
    weights = weights.map((weight) => (weight > cap ? cap : weight + (over * (cap - weight)) / room));
  }
  return weights;
}
