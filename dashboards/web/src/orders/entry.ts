import { isOnGrid, parseDecimal, zero, type MarketRules, type NewOrder } from '#api/client/index.ts';
import { decimalOf } from '../format.ts';

/** What stands in the form of an order: amounts are text as it was typed. */
export interface Entry {
  side: NewOrder['side'];
  type: NewOrder['type'];
  quantity: string;
  price: string;
  stopPrice: string;
  timeInForce: NonNullable<NewOrder['timeInForce']>;
  postOnly: boolean;
}

export type AmountName = 'quantity' | 'price' | 'stopPrice';

export const orderTypes = {
  market: { label: 'Market', hasPrice: false, hasStop: false },
  limit: { label: 'Limit', hasPrice: true, hasStop: false },
  stop_loss: { label: 'Stop', hasPrice: false, hasStop: true },
  stop_limit: { label: 'Stop limit', hasPrice: true, hasStop: true },
} as const satisfies Record<Entry['type'], object>;

/** The amounts that an order of a type has. */
export function amountsOf(type: Entry['type']): AmountName[] {
  const { hasPrice, hasStop } = orderTypes[type];
  return [...(hasStop ? ['stopPrice' as const] : []), ...(hasPrice ? ['price' as const] : []), 'quantity'];
}

/** What is wrong with the amounts of an entry, each with what to do; the service decides all else. */
export function entryFaults(
  entry: Entry,
  rules: MarketRules | undefined,
): Partial<Record<AmountName, string>> {
  return Object.fromEntries(
    amountsOf(entry.type).flatMap((name) => {
      const step = name === 'quantity' ? rules?.stepSize : rules?.tickSize;
      const fault = amountFault(entry[name], step);
      return fault === undefined ? [] : [[name, fault]];
    }),
  );
}

/** What is wrong with the text of an amount that is above 0 and on a grid of steps. */
export function amountFault(text: string, step: string | undefined): string | undefined {
  const typed = text.trim();
  if (typed === '') return 'Enter an amount.';
  const value = decimalOf(typed);
  if (value === undefined) return 'Enter digits with a point, such as 0.25.';
  if (value <= zero) return 'Enter an amount above 0.';
  if (step === undefined || isOnGrid(value, parseDecimal(step))) return undefined;
  return `Enter a multiple of ${step}.`;
}

/** The order that an entry without faults asks for. */
export function orderOf(entry: Entry, of: { portfolioId: string; symbol: string; source: string }): NewOrder {
  const { side, type, timeInForce, postOnly } = entry;
  const amounts = amountsOf(type).map((name) => [name, entry[name].trim()]);
  const { quantity, ...prices } = Object.fromEntries(amounts) as Partial<Record<AmountName, string>>;
  return {
    ...of,
    ...{ side, type, quantity: quantity ?? '' },
    ...prices,
    // What has no price cannot rest, and says nothing about it.
    ...(orderTypes[type].hasPrice ? { timeInForce, postOnly } : {}),
  };
}
