/** What a portfolio was worth at a moment, and what was paid in (less what was paid out) just after. */
export interface Valuation {
  /** Undefined where no price says. */
  value: number | undefined;
  flow: number;
  isFlow: boolean;
}

/** What money has become over time, whatever was paid in or out meanwhile. */
export interface Performance {
  /** Growth of what was there all the time, 0.1 for a tenth. */
  timeWeightedReturn: number;
  /** The largest fall of that growth from a height before it, from 0 to 1. */
  maxDrawdown: number;
}

/**
 * What 1 at the first valuation has become at each: growth is measured from one movement of money to the next and linked, so
 * that how much was paid in, and when, does not count (time-weighted return; CFA Institute, GIPS Standards 2020). While nothing
 * is there, nothing grows.
 * @param valuations in their order
 * @returns undefined where there is no value, and from a movement of money at such a moment on: what came of it cannot be told
 *   from what was paid
 */
export function growthOver(valuations: readonly Valuation[]): (number | undefined)[] {
  let growth: number | undefined = 1;
  let base = 0;
  return valuations.map(({ value, flow, isFlow }) => {
    if (value === undefined) {
      if (isFlow) growth = undefined;
      return undefined;
    }
    if (growth !== undefined && base > 0) growth *= Math.max(0, value / base);
    base = value + flow;
    return growth;
  });
}

/** The return over all of it, and the largest drawdown. @returns undefined where a movement of money has no value */
export function performanceOf(valuations: readonly Valuation[]): Performance | undefined {
  if (valuations.some(({ value, isFlow }) => value === undefined && isFlow)) return undefined;
  const known = growthOver(valuations).filter((growth) => growth !== undefined);
  let [peak, maxDrawdown] = [1, 0];
  for (const growth of known) {
    peak = Math.max(peak, growth);
    maxDrawdown = Math.max(maxDrawdown, 1 - growth / peak);
  }
  return { timeWeightedReturn: (known.at(-1) ?? 1) - 1, maxDrawdown };
}
