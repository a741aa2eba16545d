import { add, zero, type Decimal } from '#core/market/decimal.ts';
import type { Step } from './steps.ts';

/** What an amount was worth, and how old the price was that says so; 0 where it takes none. */
export interface Worth {
  worth: Decimal;
  ageUs: number;
}

/** What an amount of an asset was worth at a moment; undefined where no price says. */
export type WorthAt = (asset: string, amount: Decimal, atUs: number) => Worth | undefined;

/** What all was worth at a moment. */
export interface Value {
  atUs: number;
  /** Of the assets that have a price, without what was paid in or out at this moment. */
  value: Decimal;
  /** What was paid in at this moment, less what was paid out. */
  flow: Decimal;
  isFlow: boolean;
  /** Of the oldest price in it. */
  ageUs: number;
  /** Assets that are not in it, as no price is known. */
  unpriced: string[];
}

/**
 * What there was is worth at some instants, and whenever money was paid in or out after the first of them.
 * @param steps in their order
 * @param instants in their order; what happens at one of them counts there
 */
export function valuesOver(steps: readonly Step[], instants: readonly number[], worthAt: WorthAt): Value[] {
  const amounts = new Map<string, Decimal>();
  const values: Value[] = [];
  const [first = Number.POSITIVE_INFINITY] = instants;
  let next = 0;
  for (const step of steps) {
    for (
      let instant = instants[next];
      instant !== undefined && instant < step.atUs;
      instant = instants[next]
    ) {
      values.push(valueOf(amounts, instant, worthAt));
      next += 1;
    }
    if (step.isFlow && step.atUs > first)
      values.push(withFlow(valueOf(amounts, step.atUs, worthAt), step, worthAt));
    amounts.set(step.asset, add(amounts.get(step.asset) ?? zero, step.amount));
  }
  for (const instant of instants.slice(next)) values.push(valueOf(amounts, instant, worthAt));
  return values;
}

function valueOf(amounts: ReadonlyMap<string, Decimal>, atUs: number, worthAt: WorthAt): Value {
  const value: Value = { atUs, value: zero, flow: zero, isFlow: false, ageUs: 0, unpriced: [] };
  for (const [asset, amount] of amounts) {
    if (amount === zero) continue;
    const found = worthAt(asset, amount, atUs);
    if (found === undefined) {
      value.unpriced.push(asset);
    } else {
      value.value = add(value.value, found.worth);
      value.ageUs = Math.max(value.ageUs, found.ageUs);
    }
  }
  return value;
}

function withFlow(value: Value, { asset, amount }: Step, worthAt: WorthAt): Value {
  const found = worthAt(asset, amount, value.atUs);
  const isNew = found === undefined && !value.unpriced.includes(asset);
  return {
    ...value,
    ...{ isFlow: true, flow: found?.worth ?? zero },
    ageUs: Math.max(value.ageUs, found?.ageUs ?? 0),
    unpriced: isNew ? [...value.unpriced, asset] : value.unpriced,
  };
}
