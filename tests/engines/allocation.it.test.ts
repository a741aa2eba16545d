import { describe, expect, it } from 'vitest';
import { shrunkCovariance } from '#core/trading/analytics/covariance.ts';
import { dot, quadratic } from '#core/trading/analytics/matrix.ts';
import { maximumSharpe, minimumVariance, riskParity } from '#core/trading/analytics/weights.ts';
import { python, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { randomWalk } from '#tests/support/bars-table.ts';
import { requires } from '#tests/support/require.ts';

const needsNumpy = {
  ...requires((await pythonEnvironment('indicators')) !== undefined, 'Python with numpy', pythonRemedy),
  timeout: 180_000,
};

interface Case {
  returns: number[][];
  cap: number;
}

interface Reference {
  covariance: number[][];
  shrinkage: number;
  minimumVariance: number[];
  riskParity: number[];
  bestRatio: number;
}

/** Returns of some random walks, which share the first one's in part. */
function caseOf(seed: number, assets: number, periods: number, cap: number): Case {
  const walks = Array.from({ length: assets + 1 }, (_, i) => randomWalk(seed * 100 + i, periods));
  const returns = walks.map((bars) => bars.map(({ open, close }) => close / open - 1));
  return {
    cap,
    returns: Array.from({ length: periods }, (_, period) =>
      Array.from(
        { length: assets },
        (_unused, i) =>
          (returns[0]?.[period] ?? 0) * (0.3 + 0.4 * i) +
          (returns[i + 1]?.[period] ?? 0) * (1 + (i % 3)) +
          0.0004 * (i - 1),
      ),
    ),
  };
}

const cases = [
  caseOf(1, 2, 60, 1),
  caseOf(2, 4, 40, 1),
  caseOf(3, 5, 200, 0.4),
  caseOf(4, 5, 30, 0.25),
  caseOf(5, 5, 90, 0.3),
  caseOf(6, 4, 500, 1),
];

describe('covariances and weights', () => {
  it('are those of numpy by the published formulas', needsNumpy, async () => {
    const references = await python<Reference[]>('engines/allocation_reference.py', cases, 'indicators');
    expect(references).toHaveLength(cases.length);
    for (const [i, { returns, cap }] of cases.entries()) {
      const reference = references[i];
      if (reference === undefined) throw new Error(`no reference ${i}`);
      const { covariance, shrinkage, means } = shrunkCovariance(returns);
      const close = (values: readonly number[], digits: number): unknown =>
        values.map((value) => expect.closeTo(value, digits) as number);
      // Of two assets the target is the sample, and any share of it does.
      if (means.length > 2) expect(shrinkage).toBeCloseTo(reference.shrinkage, 9);
      for (const [row, values] of covariance.entries())
        expect(values).toEqual(close(reference.covariance[row] ?? [], 14));
      expect(minimumVariance(covariance, cap)).toEqual(close(reference.minimumVariance, 7));
      expect(riskParity(covariance)).toEqual(close(reference.riskParity, 7));
      const weights = maximumSharpe(covariance, means, cap);
      const ratio =
        weights === undefined ? 0 : dot(weights, means) / Math.sqrt(quadratic(covariance, weights));
      expect(ratio).toBeGreaterThanOrEqual(Math.max(0, reference.bestRatio) - 1e-9);
      expect(ratio).toBeLessThan(Math.max(0, reference.bestRatio) + 1e-3);
    }
  });
});
