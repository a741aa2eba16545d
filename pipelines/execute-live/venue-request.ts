import type { VenueOrderRequest, VenueOrderTerms, VenueRejectCode } from '#core/exchanges/order-venue.ts';
import { decimalText, type Decimal } from '#core/market/decimal.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Order, RejectCode } from '#core/trading/order.ts';

/** A live order as its venue is asked for it, under our id. Market orders go with a limit, their worst price. */
export function venueRequest(order: Order, validUntilUs: number): VenueOrderRequest {
  const { id, symbol, side, quantity } = order;
  return {
    ...{ symbol, clientOrderId: id, validUntilUs, side, quantity: decimalText(quantity) },
    ...termsOf(order),
  };
}

function termsOf(order: Order): VenueOrderTerms {
  const { type, timeInForce, postOnly } = order;
  const price = amount(order.price ?? order.live?.worstPrice);
  const atOnce = timeInForce === 'FOK' ? 'FOK' : 'IOC';
  switch (type) {
    case 'market':
      return { type: 'limit', price, timeInForce: atOnce };
    case 'limit':
      return postOnly ? { type: 'limit_maker', price } : { type: 'limit', price, timeInForce };
    case 'stop_loss':
      return { type: 'stop_limit', stopPrice: amount(order.stopPrice), price, timeInForce: atOnce };
    case 'stop_limit':
      return { type: 'stop_limit', stopPrice: amount(order.stopPrice), price, timeInForce };
  }
}

function amount(value: Decimal | undefined): string {
  if (value === undefined) throw new TicklakeError('INTERNAL', 'an order that was accepted lacks a price');
  return decimalText(value);
}

/** Why the venue did not take an order, as orders are rejected here. */
export function rejectCodeOf(code: VenueRejectCode): RejectCode {
  switch (code) {
    case 'INSUFFICIENT_BALANCE':
    case 'POST_ONLY_WOULD_TAKE':
    case 'STOP_PRICE_REACHED':
    case 'UNKNOWN_SYMBOL':
      return code;
    case 'MARKET_CLOSED':
      return 'SYMBOL_NOT_TRADING';
    default:
      return 'VENUE_REFUSED';
  }
}
