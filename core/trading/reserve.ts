import { add, divide, multiply, one, type Decimal } from '#core/market/decimal.ts';
import type { OrderRequest } from './order.ts';

/**
 * What is reserved for an order: of a sale its base; of a purchase the most it can cost with the taker's fee, rounded
 * up. The most is by its limit; without one by the price it starts from (`last`, or the stop price) and the collar.
 */
export function reservation(
  request: OrderRequest,
  terms: { last: Decimal; priceCollar: Decimal; takerFee: Decimal },
): Decimal {
  if (request.side === 'sell') return request.quantity;
  const price = request.price ?? multiply(request.stopPrice ?? terms.last, add(one, terms.priceCollar), 'up');
  return multiply(multiply(request.quantity, price, 'up'), add(one, terms.takerFee), 'up');
}

/** Quantity of base that a purchase can pay for out of what is held for it, fee included. */
export function affordable(held: Decimal, price: Decimal, takerFee: Decimal): Decimal {
  return divide(held, multiply(price, add(one, takerFee), 'up'), 'down');
}

/** A fill's fee, rounded down, so that the fees of parts are never more than the fee of the whole was held for. */
export function feeOf(quote: Decimal, rate: Decimal): Decimal {
  return multiply(quote, rate, 'down');
}
