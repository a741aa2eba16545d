import { add, divide, larger, multiply, one, onGrid, subtract, type Decimal } from '#core/market/decimal.ts';
import type { LiveOrder, OrderRequest, SymbolRules } from './order.ts';

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

/**
 * An order without a limit goes to its venue with one: its price is the collar's edge, on the tick, so that it costs no
 * more than what is held for it, whatever the market does on the way.
 */
export function liveTerms(
  request: OrderRequest,
  { tickSize }: SymbolRules,
  { last, priceCollar }: { last: Decimal; priceCollar: Decimal },
): LiveOrder {
  if (request.price !== undefined) return {};
  const from = request.stopPrice ?? last;
  const room = multiply(from, priceCollar, 'down');
  if (request.side === 'buy') return { worstPrice: onGrid(add(from, room), tickSize, 'down') };
  return { worstPrice: larger(tickSize, onGrid(subtract(from, room), tickSize, 'up')) };
}

/** What is reserved for an order at a venue, without its fee: the venue takes that from what the order brings. */
export function liveReservation(request: OrderRequest, { worstPrice }: LiveOrder): Decimal {
  const price = request.price ?? worstPrice;
  if (request.side === 'sell' || price === undefined) return request.quantity;
  return multiply(request.quantity, price, 'up');
}

/** Quantity of base that a purchase can pay for out of what is held for it, fee included. */
export function affordable(held: Decimal, price: Decimal, takerFee: Decimal): Decimal {
  return divide(held, multiply(price, add(one, takerFee), 'up'), 'down');
}

/** A fill's fee, rounded down, so that the fees of parts are never more than the fee of the whole was held for. */
export function feeOf(quote: Decimal, rate: Decimal): Decimal {
  return multiply(quote, rate, 'down');
}
