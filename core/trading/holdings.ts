import { add, divide, multiply, smaller, subtract, units, zero, type Decimal } from '#core/market/decimal.ts';
import type { Holding, Lot } from './portfolio.ts';

/** What holdings are known by. */
export function pairOf(of: { base: string; quote: string }): string {
  return `${of.base}/${of.quote}`;
}

export function emptyHolding(base: string, quote: string): Holding {
  return {
    base,
    quote,
    quantity: zero,
    cost: zero,
    realizedAverage: zero,
    realizedFifo: zero,
    lots: [],
  };
}

/** After a purchase for `cost`, its fee included; `number` is of the event that made it. */
export function afterBuy(holding: Holding, number: number, quantity: Decimal, cost: Decimal): Holding {
  const lot: Lot = { number, quantity, unitCost: divide(cost, quantity, 'half-even') };
  return {
    ...holding,
    quantity: add(holding.quantity, quantity),
    cost: add(holding.cost, cost),
    lots: [...holding.lots, lot],
  };
}

export interface Sale {
  holding: Holding;
  /** Quote gained beyond the cost of what was sold: by average cost, and by the oldest lots. */
  realizedAverage: Decimal;
  realizedFifo: Decimal;
}

/**
 * After a sale that brought `proceeds`, its fee taken off. What was never bought here (deposited coins) has no known
 * cost: it is sold last, and its share of the proceeds is neither profit nor loss.
 */
export function afterSale(holding: Holding, quantity: Decimal, proceeds: Decimal): Sale {
  const known = smaller(quantity, holding.quantity);
  const ofKnown = known === quantity ? proceeds : divide(multiply(proceeds, known, 'down'), quantity, 'down');
  const { holding: rest, averageCost, fifoCost } = without(holding, known);
  const realizedAverage = subtract(ofKnown, averageCost);
  const realizedFifo = subtract(ofKnown, fifoCost);
  return {
    holding: {
      ...rest,
      realizedAverage: add(holding.realizedAverage, realizedAverage),
      realizedFifo: add(holding.realizedFifo, realizedFifo),
    },
    realizedAverage,
    realizedFifo,
  };
}

/** What left by another way than a sale: the oldest lots go at their cost. */
export function afterRemoval(holding: Holding, quantity: Decimal): Holding {
  return without(holding, quantity).holding;
}

/** What a holding stands above its cost at a price; negative below. */
export function unrealized(holding: Holding, price: Decimal): Decimal {
  return subtract(multiply(holding.quantity, price, 'down'), holding.cost);
}

function without(holding: Holding, quantity: Decimal) {
  const averageCost = shareOf(holding.cost, quantity, holding.quantity);
  const { lots, cost: fifoCost } = withoutOldest(holding.lots, quantity);
  return {
    holding: {
      ...holding,
      quantity: subtract(holding.quantity, quantity),
      cost: subtract(holding.cost, averageCost),
      lots,
    },
    averageCost,
    fifoCost,
  };
}

function withoutOldest(lots: readonly Lot[], quantity: Decimal): { lots: readonly Lot[]; cost: Decimal } {
  let [left, cost, gone] = [quantity, zero, 0];
  for (const lot of lots) {
    const taken = smaller(left, lot.quantity);
    cost = add(cost, multiply(taken, lot.unitCost, 'half-even'));
    left = subtract(left, taken);
    if (taken < lot.quantity) {
      const rest = { ...lot, quantity: subtract(lot.quantity, taken) };
      return { lots: [rest, ...lots.slice(gone + 1)], cost };
    }
    gone += 1;
    if (left === zero) break;
  }
  return { lots: lots.slice(gone), cost };
}

/** `part / whole` of an amount, rounded down once, so that a part is never more than all of it. */
function shareOf(amount: Decimal, part: Decimal, whole: Decimal): Decimal {
  return part === whole ? amount : units((amount * part) / whole);
}
