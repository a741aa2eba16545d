import { add, decimalText, zero } from '#core/market/decimal.ts';
import { growthOver, performanceOf, type Valuation } from '#core/trading/analytics/returns.ts';
import type { Value } from '#core/trading/analytics/value.ts';
import { timeFromUs } from '../format.ts';
import type { History } from '../schemas/history.ts';

type Shown = Pick<History, 'points' | 'timeWeightedReturn' | 'maxDrawdown'>;

/** Values as clients see them: a point for each instant, with what was paid in since the one before. */
export function shownValues(values: readonly Value[]): Shown {
  const valuations = values.map(valuationOf);
  const growth = growthOver(valuations);
  const performance = performanceOf(valuations);
  const points: History['points'] = [];
  let paidIn = zero;
  let unvalued = new Set<string>();
  for (const [i, value] of values.entries()) {
    if (value.isFlow) {
      paidIn = add(paidIn, value.flow);
      for (const asset of value.unpriced) unvalued.add(asset);
      continue;
    }
    const unpriced = [...new Set([...value.unpriced, ...unvalued])].sort();
    points.push({
      time: timeFromUs(value.atUs),
      value: value.unpriced.length > 0 ? null : decimalText(value.value),
      paidIn: unvalued.size > 0 ? null : decimalText(paidIn),
      growth: growth[i] ?? null,
      unpriced,
      priceAgeSeconds: value.ageUs / 1_000_000,
    });
    [paidIn, unvalued] = [zero, new Set()];
  }
  return {
    points,
    timeWeightedReturn: performance?.timeWeightedReturn ?? null,
    maxDrawdown: performance?.maxDrawdown ?? null,
  };
}

/** A value as returns are reckoned from. */
export function valuationOf({ value, flow, isFlow, unpriced }: Value): Valuation {
  return {
    value: unpriced.length > 0 ? undefined : Number(decimalText(value)),
    flow: Number(decimalText(flow)),
    isFlow,
  };
}
