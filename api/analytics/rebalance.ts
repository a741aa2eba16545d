import {
  add,
  multiply,
  onGrid,
  subtract,
  units,
  zero,
  divide,
  decimalText,
  one,
  type Decimal,
} from '#core/market/decimal.ts';
import type { SymbolRules } from '#core/trading/order.ts';
import type { NewOrder } from '../schemas/orders.ts';

/** An asset, what there is of it, and what it shall be worth. */
export interface Target {
  rules: SymbolRules;
  price: Decimal;
  available: Decimal;
  worth: Decimal;
}

/**
 * Limit orders at last prices that bring assets to what they shall be worth, sales first, as far as the money reaches that is
 * there and that they bring; what is below the market's smallest notional is left out.
 * @param money available of the quote asset
 * @param feeRate share of a purchase that is reserved for its fee
 */
export function rebalancingOrders(
  portfolioId: string,
  targets: readonly Target[],
  money: Decimal,
  feeRate: Decimal,
): NewOrder[] {
  const orders: NewOrder[] = [];
  let left = money;
  for (const target of targets) {
    const { available, price, worth } = target;
    const excess = subtract(multiply(available, price, 'down'), worth);
    if (excess <= zero) continue;
    const order = orderOf(portfolioId, target, 'sell', divide(excess, price, 'down'));
    if (order === undefined) continue;
    orders.push(order.body);
    left = add(left, multiply(order.notional, subtract(one, feeRate), 'down'));
  }
  const wanting = targets
    .map((target) => ({
      target,
      lacking: subtract(target.worth, multiply(target.available, target.price, 'down')),
    }))
    .filter(({ lacking }) => lacking > zero);
  const wanted = wanting.map(({ lacking }) => lacking).reduce(add, zero);
  const reach = divide(left, add(one, feeRate), 'down');
  for (const { target, lacking } of wanting) {
    const notional = wanted > reach ? units((lacking * reach) / wanted) : lacking;
    const order = orderOf(portfolioId, target, 'buy', divide(notional, target.price, 'down'));
    if (order !== undefined) orders.push(order.body);
  }
  return orders;
}

function orderOf(
  portfolioId: string,
  { rules, price }: Target,
  side: 'buy' | 'sell',
  wanted: Decimal,
): { body: NewOrder; notional: Decimal } | undefined {
  const quantity = onGrid(wanted, rules.stepSize, 'down');
  const limit = onGrid(price, rules.tickSize, 'down');
  const notional = multiply(quantity, limit, 'down');
  if (quantity <= zero || limit <= zero || notional < rules.minNotional) return undefined;
  const { source, symbol } = rules;
  const amounts = { quantity: decimalText(quantity), price: decimalText(limit) };
  return { body: { portfolioId, source, symbol, side, type: 'limit', ...amounts }, notional };
}
