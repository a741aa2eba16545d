/**
 * Shares `total` among `weights`: share i is the difference of two floored cumulative parts, so the shares are whole
 * numbers ≥ 0 whose sum is exactly `total`; a weight of 0 gets 0. Each share is added to `into[at + i]`.
 */
export function addShares(
  total: number,
  weights: Float64Array,
  into: Int32Array | Float64Array,
  at: number,
): void {
  let sum = 0;
  for (const weight of weights) sum += weight;
  let cumulative = 0;
  let given = 0;
  for (let i = 0; i < weights.length; i++) {
    cumulative += weights[i] ?? 0;
    const upTo = Math.floor(total * (cumulative / sum));
    into[at + i] = (into[at + i] ?? 0) + upTo - given;
    given = upTo;
  }
}
