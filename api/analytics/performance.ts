import { add, decimalText, multiply, subtract, zero, type Decimal } from '#core/market/decimal.ts';
import type { Held } from '#core/trading/analytics/owners.ts';
import { mean } from '#core/trading/analytics/matrix.ts';
import { performanceOf } from '#core/trading/analytics/returns.ts';
import { addSums, noSums, type OwnerSums } from '#core/trading/analytics/sums.ts';
import type { Value } from '#core/trading/analytics/value.ts';
import type { PerformanceList } from '../schemas/analytics.ts';
import { valuationOf } from './history.ts';

type Figures = PerformanceList['overall'];

/** What figures are made of. */
export interface PerformanceParts {
  values: readonly Value[];
  /** Whether each movement of money is valued, so that returns can be told. */
  isExact: boolean;
  sums: readonly OwnerSums[];
  /** Undefined where the end is not this moment. */
  held: readonly Held[] | undefined;
  asset: string;
  priceOf: (base: string) => Decimal | undefined;
}

/** What became of money, as clients see it. */
export function performanceFigures(parts: PerformanceParts): Figures {
  const { values, isExact, sums, held, asset, priceOf } = parts;
  const traded = sums.map((owner) => owner.traded.get(asset) ?? noSums).reduce(addSums, noSums);
  const [start, end] = [values[0], values.at(-1)];
  const flows = values.filter(({ isFlow }) => isFlow);
  const isPaidKnown = isExact && flows.every(({ unpriced }) => unpriced.length === 0);
  const paidIn = isPaidKnown ? flows.map(({ flow }) => flow).reduce(add, zero) : undefined;
  const [startValue, endValue] = [knownValue(start), knownValue(end)];
  const profit =
    startValue === undefined || endValue === undefined || paidIn === undefined
      ? undefined
      : subtract(subtract(endValue, startValue), paidIn);
  const returns = isExact ? performanceOf(values.map(valuationOf)) : undefined;
  const unpriced = new Set([start, end, ...flows].flatMap((value) => value?.unpriced ?? []));
  return {
    startValue: text(startValue),
    endValue: text(endValue),
    paidIn: text(paidIn),
    profit: text(profit),
    realizedProfit: decimalText(traded.realizedAverage),
    realizedProfitFifo: decimalText(traded.realizedFifo),
    unrealizedProfit: text(held && unrealizedOf(held, priceOf)),
    fees: decimalText(traded.fees),
    volume: decimalText(traded.volume),
    turnover: turnoverOf(traded.volume, values),
    timeWeightedReturn: returns?.timeWeightedReturn ?? null,
    maxDrawdown: returns?.maxDrawdown ?? null,
    unpriced: [...unpriced].sort(),
  };
}

function knownValue(value: Value | undefined): Decimal | undefined {
  return value === undefined || value.unpriced.length > 0 ? undefined : value.value;
}

/** Undefined where one of them has no price. */
function unrealizedOf(held: readonly Held[], priceOf: PerformanceParts['priceOf']): Decimal | undefined {
  let sum = zero;
  for (const { base, quantity, cost } of held) {
    const price = priceOf(base);
    if (price === undefined) return undefined;
    sum = add(sum, subtract(multiply(quantity, price, 'down'), cost));
  }
  return sum;
}

function turnoverOf(volume: Decimal, values: readonly Value[]): number | null {
  const known = values.filter(({ isFlow, unpriced }) => !isFlow && unpriced.length === 0);
  const average = known.length === 0 ? 0 : mean(known.map(({ value }) => Number(decimalText(value))));
  return average > 0 ? Number(decimalText(volume)) / average : null;
}

function text(value: Decimal | undefined): string | null {
  return value === undefined ? null : decimalText(value);
}
