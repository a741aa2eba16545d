import { zero } from '#core/market/decimal.ts';
import { canonicalText } from '#core/trading/codec.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import { feeInQuote } from '#core/trading/live-fill.ts';
import type { Order } from '#core/trading/order.ts';
import type { Pseudonym } from './pseudonyms.ts';

/**
 * An event of an order as a row of trading.order_events: JSON by the columns' names, decimals as text, times in microseconds.
 * Only what is named here leaves. Undefined for an event that is of no order.
 */
export function exportedLine(
  of: { portfolioId: string; userId: string },
  event: NumberedEvent,
  pseudonym: Pseudonym,
): string | undefined {
  const order = orderOf(event);
  if (order === undefined) return undefined;
  return canonicalText({
    account: pseudonym('account', of.portfolioId),
    owner: pseudonym('owner', of.userId),
    order_id: pseudonym('order', order.id),
    ...{ number: event.number, type: event.type, timestamp: event.atUs },
    ...{ source: order.source, symbol: order.symbol, base: order.base, quote: order.quote },
    ...{ side: order.side, order_type: order.type, time_in_force: order.timeInForce },
    ...{ post_only: order.postOnly, status: order.status },
    ...{ quantity: order.quantity, price: order.price, stop_price: order.stopPrice },
    ...{ filled_quantity: order.filledQuantity, filled_quote: order.filledQuote, fees: order.fees },
    ...detailsOf(event),
  });
}

type Exported = Omit<Order, 'base' | 'quote'> & Partial<Pick<Order, 'base' | 'quote'>>;

function orderOf(event: NumberedEvent): Exported | undefined {
  if ('order' in event) return event.order;
  if (event.type !== 'order_rejected') return undefined;
  return {
    ...event.request,
    ...{ id: event.orderId, status: 'rejected', placedAtUs: event.atUs, activeAfterTradeId: -1 },
    ...{ filledQuantity: zero, filledQuote: zero, fees: zero, held: zero, queueAhead: zero },
  };
}

function detailsOf(event: NumberedEvent): object {
  switch (event.type) {
    case 'order_accepted':
    case 'order_rejected': {
      const { decision } = event;
      return {
        ...{ reason: 'code' in event ? event.code : undefined, risk_state: decision.portfolioRisk },
        ...{ last_price: decision.lastPrice, price_age_ms: decision.priceAgeMs, notional: decision.notional },
        ...{ position_notional: decision.positionNotional, open_orders: decision.openOrders },
        ...{ orders_in_minute: decision.ordersInMinute, daily_loss: decision.dailyLoss },
      };
    }
    case 'order_triggered':
      return { trade_id: event.tradeId };
    case 'order_filled': {
      const { fill, realizedAverage, realizedFifo } = event;
      return {
        ...{ fill_quantity: fill.quantity, fill_price: fill.price, fill_fee: feeInQuote(event.order, fill) },
        ...{ liquidity: fill.liquidity, trade_id: fill.tradeId, market_time: fill.marketTimeUs },
        ...{ realized_average: realizedAverage, realized_fifo: realizedFifo },
      };
    }
    case 'order_refused':
      return { reason: event.code };
    case 'order_cancel_requested':
    case 'order_canceled':
    case 'order_expired':
      return { reason: event.reason };
    default:
      return {};
  }
}
