import {
  add,
  decimalText,
  divide,
  multiply,
  onGrid,
  one,
  parseDecimal,
  zero,
  type Decimal,
  type MarketRules,
} from '#api/client/index.ts';
import { decimalOf } from '../format.ts';
import { orderTypes, type Entry } from './entry.ts';

export interface Estimate {
  /** Quote that is paid or received, without the fee. */
  amount: string;
  fee: string;
}

/** What an order comes to at its price, or at the last one; undefined while it cannot be told. */
export function estimateOf(
  entry: Entry,
  last: string | undefined,
  rules: MarketRules | undefined,
): Estimate | undefined {
  const [quantity, price] = [decimalOf(entry.quantity), reckonedPrice(entry, last)];
  if (quantity === undefined || price === undefined || rules === undefined) return undefined;
  const sum = multiply(quantity, price, 'half-even');
  const fee = multiply(sum, parseDecimal(rules.takerFee), 'half-even');
  return { amount: decimalText(sum), fee: decimalText(fee) };
}

export interface Means {
  /** Of what is given: base of a sale, quote of a purchase. */
  available: string;
  last: string | undefined;
  rules: MarketRules;
  /** By how much more than the last price a purchase without a price of its own reserves. */
  priceCollar: string;
}

/** The largest quantity on the steps of the market that a share of what is available, in percent, is enough for. */
export function quantityFor(percent: number, entry: Entry, means: Means): string | undefined {
  const { last, rules } = means;
  const share = divide(
    multiply(parseDecimal(means.available), parseDecimal(String(percent)), 'down'),
    parseDecimal('100'),
    'down',
  );
  const quantity = entry.side === 'sell' ? share : bought(share, entry, { ...means, last });
  if (quantity === undefined) return undefined;
  return decimalText(onGrid(quantity, parseDecimal(rules.stepSize), 'down'));
}

function bought(quote: Decimal, entry: Entry, { last, rules, priceCollar }: Means): Decimal | undefined {
  const price = reckonedPrice(entry, last);
  if (price === undefined || price === zero) return undefined;
  const { hasPrice } = orderTypes[entry.type];
  const atMost = hasPrice ? price : multiply(price, add(one, parseDecimal(priceCollar)), 'up');
  return divide(quote, multiply(atMost, add(one, parseDecimal(rules.takerFee)), 'up'), 'down');
}

function reckonedPrice(entry: Entry, last: string | undefined): Decimal | undefined {
  const { hasPrice, hasStop } = orderTypes[entry.type];
  const text = hasPrice ? entry.price : hasStop ? entry.stopPrice : last;
  return text === undefined ? undefined : decimalOf(text);
}
