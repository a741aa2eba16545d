import { add, smaller, subtract, zero } from '#core/market/decimal.ts';
import type { Surroundings, VenueStep } from './command.ts';
import { decided, type Decision } from './decision.ts';
import { afterSale, emptyHolding, pairOf } from './holdings.ts';
import { fillQuote } from './ledger.ts';
import type { Order } from './order.ts';
import type { Portfolio } from './portfolio.ts';
import { feeOf } from './reserve.ts';
import { realizedLoss, reducedByLoss } from './loss.ts';

export type FillStep = Extract<VenueStep, { kind: 'fill_order' }>;

/** Why a step's fill cannot be: worse than the order's price, more than is left or held, or of a trade that was matched before. */
export function fillFault(order: Order, step: FillStep): string | undefined {
  const { tradeId, quantity, price, liquidity } = step;
  if (order.status === 'pending' || order.activeAfterTradeId < 0) return 'is not active';
  const isMatched =
    liquidity === 'maker' ? tradeId <= order.activeAfterTradeId : tradeId < order.activeAfterTradeId;
  if (isMatched) return `is matched up to trade ${order.activeAfterTradeId}, past trade ${tradeId}`;
  if (quantity <= zero || quantity > subtract(order.quantity, order.filledQuantity))
    return 'has not that much left to fill';
  const worst = order.price ?? price;
  if (price <= zero || (order.side === 'buy' ? price > worst : price < worst))
    return 'has a better price than the fill';
  if (order.side === 'buy' && fillQuote(step) > order.held) return 'does not hold what the fill costs';
  return undefined;
}

/** A part of an order is bought or sold. What a purchase holds bounds its fee, too: rates may have risen since. */
export function fillOrder(
  portfolio: Portfolio,
  order: Order,
  step: FillStep,
  fees: Surroundings['fees'],
  atUs: number,
): Decision {
  const { tradeId, quantity, price, liquidity, marketTimeUs, queueAhead } = step;
  const isBuy = order.side === 'buy';
  const traded = fillQuote(step);
  const due = feeOf(traded, fees[liquidity]);
  const fee = isBuy ? smaller(due, subtract(order.held, traded)) : due;
  const left = subtract(order.held, isBuy ? add(traded, fee) : quantity);
  const filledQuantity = add(order.filledQuantity, quantity);
  const isFilled = filledQuantity === order.quantity;
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
      activeAfterTradeId: tradeId,
      queueAhead,
    },
    fill: { tradeId, quantity, price, fee, liquidity, marketTimeUs },
    released: isFilled ? left : zero,
    realizedAverage,
    realizedFifo,
  });
  return reducedByLoss(filled, realizedLoss(filled.portfolio, order.quote), order.quote, atUs);
}
