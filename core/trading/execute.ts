import { add, decimalText, smaller, subtract, zero, type Decimal } from '#core/market/decimal.ts';
import type { Command, Surroundings } from './command.ts';
import { decided, followed, refused, type Decided, type Decision, type Refusal } from './decision.ts';
import { dateOf } from './apply.ts';
import { afterSale, emptyHolding, pairOf, unrealized } from './holdings.ts';
import { fillQuote } from './ledger.ts';
import type { Order } from './order.ts';
import type { Portfolio } from './portfolio.ts';
import { feeOf } from './reserve.ts';
import { dailyLosses, realizedLoss } from './risk.ts';

type Of<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;

/** An order begins to be matched, or its place in the queue moves on. */
export function activateOrder(portfolio: Portfolio, command: Of<'activate_order'>): Decision {
  const order = portfolio.orders.get(command.orderId);
  if (order === undefined) return notOpen(command.orderId);
  const { activeAfterTradeId, queueAhead } = command;
  if (activeAfterTradeId < order.activeAfterTradeId) return matchedBefore(order, activeAfterTradeId);
  if (activeAfterTradeId === order.activeAfterTradeId && queueAhead === order.queueAhead)
    return decided(portfolio, command.atUs);
  const active = { ...order, activeAfterTradeId, queueAhead };
  return decided(portfolio, command.atUs, { type: 'order_activated', order: active });
}

/** A stop order's price was reached by a trade. */
export function triggerOrder(portfolio: Portfolio, command: Of<'trigger_order'>): Decision {
  const { orderId, tradeId, price, atUs } = command;
  const order = portfolio.orders.get(orderId);
  if (order === undefined) return notOpen(orderId);
  if (order.status !== 'pending' || order.stopPrice === undefined || order.activeAfterTradeId < 0)
    return clash(`order ${orderId} does not wait for a stop price`);
  if (tradeId <= order.activeAfterTradeId) return matchedBefore(order, tradeId);
  if (order.side === 'buy' ? price < order.stopPrice : price > order.stopPrice)
    return clash(`the price does not reach the stop price of order ${orderId}`);
  const triggered: Order = { ...order, status: 'open', activeAfterTradeId: tradeId };
  return decided(portfolio, atUs, { type: 'order_triggered', order: triggered, tradeId, price });
}

/**
 * A part of an order is bought or sold: never worse than its price, never more than is left of it, never for more than is
 * held for it, and a trade of the tape fills it once.
 */
export function fillOrder(portfolio: Portfolio, command: Of<'fill_order'>, { fees }: Surroundings): Decision {
  const order = portfolio.orders.get(command.orderId);
  if (order === undefined) return notOpen(command.orderId);
  const fault = fillFault(order, command);
  if (fault !== undefined) return fault;
  const { tradeId, quantity, price, liquidity, marketTimeUs, queueAhead, atUs } = command;
  const traded = fillQuote({ quantity, price });
  const due = feeOf(traded, fees[liquidity]);
  const isBuy = order.side === 'buy';
  if (isBuy && traded > order.held) return clash(`the fill costs more than order ${order.id} holds`);
  const fee = isBuy ? smaller(due, subtract(order.held, traded)) : due;
  const filledQuantity = add(order.filledQuantity, quantity);
  const isFilled = filledQuantity === order.quantity;
  const left = subtract(order.held, isBuy ? add(traded, fee) : quantity);
  const holding = portfolio.holdings.get(pairOf(order)) ?? emptyHolding(order.base, order.quote);
  const { realizedAverage, realizedFifo } = isBuy
    ? { realizedAverage: zero, realizedFifo: zero }
    : afterSale(holding, quantity, subtract(traded, fee));
  const filled = decided(portfolio, atUs, {
    type: 'order_filled',
    order: {
      ...order,
      status: isFilled ? 'filled' : 'partially_filled',
      filledQuantity,
      filledQuote: add(order.filledQuote, traded),
      fees: add(order.fees, fee),
      held: isFilled ? zero : left,
      activeAfterTradeId: Math.max(tradeId, order.activeAfterTradeId),
      queueAhead,
    },
    fill: { tradeId, quantity, price, fee, liquidity, marketTimeUs },
    released: isFilled ? left : zero,
    realizedAverage,
    realizedFifo,
  });
  return reducedByLoss(filled, realizedLoss(filled.portfolio, order.quote), order.quote, atUs);
}

/** What could not be filled at once ends, and what is held for it goes back. */
export function expireOrder(portfolio: Portfolio, command: Of<'expire_order'>): Decision {
  const order = portfolio.orders.get(command.orderId);
  if (order === undefined) return notOpen(command.orderId);
  return decided(portfolio, command.atUs, {
    type: 'order_expired',
    order: { ...order, status: 'expired', held: zero },
    released: order.held,
    reason: command.reason,
  });
}

/** Opens the market's day where these are its first prices, and sets `reducing` where too much is lost in it. */
export function markPrices(portfolio: Portfolio, command: Of<'mark_prices'>): Decision {
  const { prices, marketTimeUs, atUs } = command;
  const date = dateOf(marketTimeUs);
  const { day } = portfolio;
  const isOpen = date < day.date || (date === day.date && day.opening !== undefined);
  let marked = decided(portfolio, atUs);
  if (!isOpen)
    marked = followed(marked, atUs, { type: 'day_opened', date, unrealized: opening(portfolio, prices) });
  for (const [quote, lost] of dailyLosses(marked.portfolio, prices))
    marked = reducedByLoss(marked, lost, quote, atUs);
  return marked;
}

function opening(portfolio: Portfolio, prices: ReadonlyMap<string, Decimal>) {
  const known: { pair: string; amount: Decimal }[] = [];
  for (const [pair, holding] of portfolio.holdings) {
    const price = prices.get(pair);
    if (price !== undefined && holding.quantity > zero)
      known.push({ pair, amount: unrealized(holding, price) });
  }
  return known.sort((a, b) => (a.pair < b.pair ? -1 : 1));
}

/** With the portfolio set to `reducing` where a day's loss is beyond its limit. */
function reducedByLoss(before: Decided, lost: Decimal, quote: string, atUs: number): Decided {
  const { risk, limits } = before.portfolio;
  if (risk !== 'active' || lost <= limits.dailyLossMax) return before;
  const reason = `lost ${decimalText(lost)} ${quote} today, ${decimalText(limits.dailyLossMax)} may be`;
  return followed(before, atUs, { type: 'risk_set', risk: 'reducing', by: 'daily_loss', reason });
}

function fillFault(order: Order, command: Of<'fill_order'>): { refused: Refusal } | undefined {
  const { tradeId, quantity, price, liquidity } = command;
  if (order.status === 'pending' || order.activeAfterTradeId < 0)
    return clash(`order ${order.id} is not active`);
  if (tradeId < order.activeAfterTradeId || (liquidity === 'maker' && tradeId === order.activeAfterTradeId))
    return matchedBefore(order, tradeId);
  if (quantity <= zero || quantity > subtract(order.quantity, order.filledQuantity))
    return clash(`the fill is not within what is left of order ${order.id}`);
  const worst = order.price ?? price;
  if (price <= zero || (order.side === 'buy' ? price > worst : price < worst))
    return clash(`the fill is worse than the price of order ${order.id}`);
  return undefined;
}

function notOpen(orderId: string): { refused: Refusal } {
  return refused('NOT_FOUND', `order ${orderId} is not open`, 'Ask for the order to see how it ended.');
}

function matchedBefore(order: Order, tradeId: number): { refused: Refusal } {
  return clash(`order ${order.id} is matched up to trade ${order.activeAfterTradeId}, past trade ${tradeId}`);
}

function clash(message: string): { refused: Refusal } {
  return refused('CONFLICT', message, 'Load the portfolio again and go on from how it stands.');
}
