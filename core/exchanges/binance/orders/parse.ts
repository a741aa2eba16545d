import type {
  VenueFill,
  VenueOrder,
  VenueOrderRequest,
  VenueOrderStatus,
} from '#core/exchanges/order-venue.ts';
import type { Query } from '#core/exchanges/binance/http.ts';
import { integerTimeUs } from '#core/exchanges/binance/values.ts';
import type { FillRow, OrderRow } from './answers.ts';

const statusOf: Readonly<Record<OrderRow['status'], VenueOrderStatus>> = {
  PENDING_NEW: 'open',
  NEW: 'open',
  PARTIALLY_FILLED: 'partially_filled',
  FILLED: 'filled',
  CANCELED: 'canceled',
  // Not in use, says the documentation; until the cancel is there, the order is.
  PENDING_CANCEL: 'open',
  REJECTED: 'rejected',
  EXPIRED: 'expired',
  EXPIRED_IN_MATCH: 'expired',
};

export function toOrder(row: OrderRow): VenueOrder {
  return {
    symbol: row.symbol,
    clientOrderId: row.origClientOrderId ?? row.clientOrderId,
    venueOrderId: row.orderId,
    side: row.side === 'BUY' ? 'buy' : 'sell',
    type: row.type,
    status: statusOf[row.status],
    quantity: row.origQty,
    filledQuantity: row.executedQty,
    filledQuote: row.cummulativeQuoteQty,
  };
}

export function toFill(row: FillRow): VenueFill {
  return {
    symbol: row.symbol,
    id: row.id,
    venueOrderId: row.orderId,
    side: row.isBuyer ? 'buy' : 'sell',
    liquidity: row.isMaker ? 'maker' : 'taker',
    price: row.price,
    quantity: row.qty,
    quote: row.quoteQty,
    fee: row.commission,
    feeAsset: row.commissionAsset,
    timeUs: integerTimeUs(row.time),
  };
}

/** The parameters of a new order, as the exchange words them. */
export function orderQuery(request: VenueOrderRequest): Query {
  return {
    symbol: request.symbol,
    side: request.side === 'buy' ? 'BUY' : 'SELL',
    ...termsQuery(request),
    quantity: request.quantity,
    newClientOrderId: request.clientOrderId,
    newOrderRespType: 'RESULT',
  };
}

function termsQuery(terms: VenueOrderRequest): Query {
  switch (terms.type) {
    case 'market':
      return { type: 'MARKET' };
    case 'limit':
      return { type: 'LIMIT', timeInForce: terms.timeInForce, price: terms.price };
    case 'limit_maker':
      return { type: 'LIMIT_MAKER', price: terms.price };
    case 'stop_loss':
      return { type: 'STOP_LOSS', stopPrice: terms.stopPrice };
    case 'stop_limit': {
      const { timeInForce, price, stopPrice } = terms;
      return { type: 'STOP_LOSS_LIMIT', timeInForce, price, stopPrice };
    }
  }
}
