import { decimalText, divide, zero, type Decimal } from '#core/market/decimal.ts';
import { canonicalText } from '#core/trading/codec.ts';
import type { Fill, NumberedEvent, RiskDecision } from '#core/trading/event.ts';
import { isOver } from '#core/trading/open-orders.ts';
import type { Order } from '#core/trading/order.ts';
import type { RiskLimits } from '#core/trading/portfolio.ts';
import { timeFromUs } from '../format.ts';
import type * as orders from '../schemas/orders.ts';
import type { StreamOrderEvent } from '../schemas/private-stream.ts';
import type * as trading from '../schemas/trading.ts';

/** An order as clients see it. */
export function shownOrder(portfolioId: string, order: Order): orders.Order {
  const { id, source, symbol, side, type, timeInForce, postOnly, status } = order;
  return {
    ...{ id, portfolioId, source, symbol, side, type, timeInForce, postOnly, status },
    quantity: decimalText(order.quantity),
    price: optionalText(order.price),
    stopPrice: optionalText(order.stopPrice),
    clientOrderId: order.clientOrderId ?? null,
    rejectCode: null,
    rejectDetail: null,
    filledQuantity: decimalText(order.filledQuantity),
    averagePrice:
      order.filledQuantity === zero
        ? null
        : decimalText(divide(order.filledQuote, order.filledQuantity, 'half-even')),
    isCancelRequested: !isOver(order) && order.live?.cancel !== undefined,
    fees: decimalText(order.fees),
    held: decimalText(order.held),
    createdAt: timeFromUs(order.placedAtUs),
  };
}

/** The order as an event leaves it; one that its venue refused says why. */
function shownOrderOf(portfolioId: string, event: Extract<NumberedEvent, { order: Order }>): orders.Order {
  const shown = shownOrder(portfolioId, event.order);
  if (event.type !== 'order_refused') return shown;
  return { ...shown, rejectCode: event.code, rejectDetail: event.detail };
}

/** The order that a placement's events tell of: accepted, or rejected, which is an answer, too. */
export function placedOrder(portfolioId: string, events: readonly NumberedEvent[]): orders.Order | undefined {
  for (const event of events) {
    if (event.type === 'order_accepted') return shownOrder(portfolioId, event.order);
    if (event.type === 'order_rejected') return rejectedOrder(portfolioId, event);
  }
  return undefined;
}

export function rejectedOrder(
  portfolioId: string,
  event: Extract<NumberedEvent, { type: 'order_rejected' }>,
): orders.Order {
  const order = {
    ...event.request,
    ...{ id: event.orderId, base: '', quote: '', status: 'rejected' as const, placedAtUs: event.atUs },
    ...{ filledQuantity: zero, filledQuote: zero, fees: zero, held: zero, queueAhead: zero },
    activeAfterTradeId: -1,
  };
  return { ...shownOrder(portfolioId, order), rejectCode: event.code, rejectDetail: event.detail };
}

export function shownDecision(decision: RiskDecision): trading.RiskDecision {
  const { portfolioRisk, globalRisk, openOrders, ordersInMinute, priceAgeMs } = decision;
  return {
    ...{ portfolioRisk, globalRisk, openOrders, ordersInMinute },
    lastPrice: optionalText(decision.lastPrice),
    priceAgeMs: priceAgeMs ?? null,
    notional: optionalText(decision.notional),
    positionNotional: optionalText(decision.positionNotional),
    dailyLoss: optionalText(decision.dailyLoss),
  };
}

export function shownLimits(limits: RiskLimits): trading.RiskLimits {
  return {
    positionNotionalMax: decimalText(limits.positionNotionalMax),
    orderNotionalMax: decimalText(limits.orderNotionalMax),
    openOrdersMax: limits.openOrdersMax,
    ordersPerMinuteMax: limits.ordersPerMinuteMax,
    priceCollar: decimalText(limits.priceCollar),
    dailyLossMax: decimalText(limits.dailyLossMax),
    staleAfterMs: limits.staleAfterMs,
  };
}

/** What an event has made of an order; undefined for one that is of no order. */
export function shownOrderEvent(portfolioId: string, event: NumberedEvent): StreamOrderEvent | undefined {
  const order =
    event.type === 'order_rejected'
      ? rejectedOrder(portfolioId, event)
      : 'order' in event
        ? shownOrderOf(portfolioId, event)
        : undefined;
  if (order === undefined) return undefined;
  const fill = event.type === 'order_filled' ? shownFill(event) : null;
  return { number: event.number, type: event.type, at: timeFromUs(event.atUs), order, fill };
}

function shownFill({ fill, order }: { fill: Fill; order: Order }): StreamOrderEvent['fill'] {
  const { quantity, price, fee, feeAsset = order.quote, liquidity, tradeId } = fill;
  return {
    ...{ liquidity, tradeId, feeAsset },
    ...{ quantity: decimalText(quantity), price: decimalText(price), fee: decimalText(fee) },
  };
}

/** An event with all that is kept of it. */
export function shownEvent(event: NumberedEvent): orders.OrderEvent {
  const { number, type, atUs, ...rest } = event;
  const details = JSON.parse(canonicalText(rest)) as Record<string, unknown>;
  return { number, type, at: timeFromUs(atUs), details };
}

export function optionalText(value: Decimal | undefined): string | null {
  return value === undefined ? null : decimalText(value);
}
