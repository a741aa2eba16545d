import { at, mean, nth, sum, type Matrix } from './matrix.ts';

/** How returns of some assets go together, by what was observed of them. */
export interface Estimate {
  /** Mean return of a period, by asset. */
  means: number[];
  /** Of a period's returns; positive definite where the shrinkage is above 0 and no asset stood still. */
  covariance: number[][];
  /** Share of the target in it, from 0 to 1. */
  shrinkage: number;
}

/**
 * Means, and the covariance shrunk towards one where all pairs correlate alike: what few observations say of single pairs
 * is mostly error. Variances stay as observed. Ledoit and Wolf, "Honey, I Shrunk the Sample Covariance Matrix" (Journal of
 * Portfolio Management 30, 2004), appendices A and B.
 * @param returns a row for each period, with the return of each asset; two rows at least
 */
export function shrunkCovariance(returns: Matrix): Estimate {
  const periods = returns.length;
  const assets = returns[0]?.length ?? 0;
  if (periods < 2) throw new RangeError('covariance takes two periods at least');
  const places = Array.from({ length: assets }, (_, i) => i);
  const means = places.map((i) => mean(returns.map((row) => nth(row, i))));
  const centred = returns.map((row) => row.map((value, i) => value - nth(means, i)));
  const sample = places.map((i) => places.map((j) => mean(centred.map((row) => nth(row, i) * nth(row, j)))));
  const deviations = places.map((i) => Math.sqrt(at(sample, i, i)));
  // An asset that stood still correlates with nothing.
  const ratio = (i: number, j: number): number =>
    nth(deviations, i) === 0 ? 0 : nth(deviations, j) / nth(deviations, i);
  const correlations = places.flatMap((i) =>
    places.slice(i + 1).map((j) => {
      const scale = nth(deviations, i) * nth(deviations, j);
      return scale === 0 ? 0 : at(sample, i, j) / scale;
    }),
  );
  const alike = correlations.length === 0 ? 0 : mean(correlations);
  const target = places.map((i) =>
    places.map((j) => (i === j ? at(sample, i, i) : alike * nth(deviations, i) * nth(deviations, j))),
  );

  // How uncertain each covariance is, how the target moves with it, and how far off the target is.
  const spread = (i: number, j: number): number =>
    mean(centred.map((row) => (nth(row, i) * nth(row, j) - at(sample, i, j)) ** 2));
  const shared = (of: number, i: number, j: number): number =>
    mean(
      centred.map(
        (row) => (nth(row, of) ** 2 - at(sample, of, of)) * (nth(row, i) * nth(row, j) - at(sample, i, j)),
      ),
    );
  const pairs = places.flatMap((i) => places.map((j) => [i, j] as const));
  const uncertainty = sum(pairs.map(([i, j]) => spread(i, j)));
  const movement = sum(
    pairs.map(([i, j]) =>
      i === j ? spread(i, i) : (alike / 2) * (ratio(i, j) * shared(i, i, j) + ratio(j, i) * shared(j, i, j)),
    ),
  );
  const distance = sum(pairs.map(([i, j]) => (at(target, i, j) - at(sample, i, j)) ** 2));
  const shrinkage =
    distance === 0 ? 1 : Math.min(1, Math.max(0, (uncertainty - movement) / distance / periods));
  const covariance = places.map((i) =>
    places.map((j) => shrinkage * at(target, i, j) + (1 - shrinkage) * at(sample, i, j)),
  );
  return { means, covariance, shrinkage };
}
