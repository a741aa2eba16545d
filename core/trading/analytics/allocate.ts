import { shrunkCovariance } from './covariance.ts';
import { at, dot, nth, quadratic, times, type Matrix } from './matrix.ts';
import { maximumSharpe, minimumVariance, riskParity } from './weights.ts';

export const allocationMethods = ['minimum_variance', 'risk_parity', 'maximum_sharpe'] as const;
export type AllocationMethod = (typeof allocationMethods)[number];

export interface AllocationRequest {
  method: AllocationMethod;
  /** A row for each period, with the simple return of each asset. */
  returns: Matrix;
  /** Share of one asset at most, from 0 to 1. */
  cap: number;
  /** Riskless return of a period. */
  riskless: number;
}

/** Figures are of one period. */
export interface Allocation {
  weights: number[];
  /** Share of the variance that each asset bears; they sum to 1. */
  riskShares: number[];
  means: number[];
  deviations: number[];
  expectedReturn: number;
  deviation: number;
  shrinkage: number;
}

/**
 * How to spread money over assets by what was observed of their returns, long only.
 * @returns undefined where the highest Sharpe ratio is wanted and no asset is expected to return more than the riskless
 * @throws RangeError where the cap is too low for the number of assets, or an asset never moved and risk is to be shared
 */
export function allocate({ method, returns, cap, riskless }: AllocationRequest): Allocation | undefined {
  const { means, covariance, shrinkage } = shrunkCovariance(returns);
  const weights =
    method === 'minimum_variance'
      ? minimumVariance(covariance, cap)
      : method === 'risk_parity'
        ? riskParity(covariance, cap)
        : maximumSharpe(
            covariance,
            means.map((value) => value - riskless),
            cap,
          );
  if (weights === undefined) return undefined;
  const variance = quadratic(covariance, weights);
  const slopes = times(covariance, weights);
  return {
    weights,
    riskShares: weights.map((weight, i) => (variance === 0 ? 0 : (weight * nth(slopes, i)) / variance)),
    means,
    deviations: means.map((_, i) => Math.sqrt(at(covariance, i, i))),
    expectedReturn: dot(weights, means),
    deviation: Math.sqrt(variance),
    shrinkage,
  };
}
