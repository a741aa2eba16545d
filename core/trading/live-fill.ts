import { add, multiply, smaller, subtract, zero, type Decimal } from '#core/market/decimal.ts';
import { decided, type Decision } from './decision.ts';
import type { Fill } from './event.ts';
import { afterSale, emptyHolding, pairOf } from './holdings.ts';
import { fillQuote, proceedsOf } from './ledger.ts';
import type { LiveFill } from './live.ts';
import { realizedLoss, reducedByLoss } from './loss.ts';
import type { Order } from './order.ts';
import type { Portfolio } from './portfolio.ts';

/** Why a fill that the venue tells of cannot be booked: the books are wrong then, or the venue is. */
export function liveFillFault(order: Order, filled: LiveFill): string | undefined {
  const { fillId, quantity, price, fee, feeAsset } = filled;
  if (order.live?.venueOrderId === undefined) return 'is not known to be at the venue';
  if (fillId <= order.activeAfterTradeId)
    return `has booked fill ${order.activeAfterTradeId} already, past fill ${fillId}`;
  if (quantity <= zero || price <= zero || fee < zero)
    return `has a fill ${fillId} without quantity or price`;
  const gained = order.side === 'buy' ? quantity : fillQuote(filled);
  if (feeAsset === gainedAsset(order) && fee >= gained)
    return `has a fill ${fillId} that its fee takes whole`;
  if (quantity > subtract(order.quantity, order.filledQuantity))
    return `has not so much left as fill ${fillId}`;
  if (order.side === 'buy' && fillQuote(filled) > order.held)
    return `does not hold what fill ${fillId} costs`;
  return undefined;
}

/**
 * Books what the venue filled, with its fee. A fee in what was bought lowers what comes in; one in the proceeds of a sale
 * lowers those; one in any other asset is paid of what is available of it, and beyond that by what else the account has.
 */
export function fillLive(portfolio: Portfolio, order: Order, filled: LiveFill, atUs: number): Decision {
  const { fillId, quantity, price, liquidity, marketTimeUs, fee, feeAsset } = filled;
  const feeOutside = outside(portfolio, order, filled);
  const fill: Fill = {
    ...{ tradeId: fillId, quantity, price, fee, feeAsset, liquidity, marketTimeUs },
    ...(feeOutside > zero && { feeOutside }),
  };
  const traded = fillQuote(fill);
  const filledQuantity = add(order.filledQuantity, quantity);
  const isFilled = filledQuantity === order.quantity;
  const left = subtract(order.held, order.side === 'buy' ? traded : quantity);
  const holding = portfolio.holdings.get(pairOf(order)) ?? emptyHolding(order.base, order.quote);
  const { realizedAverage, realizedFifo } =
    order.side === 'buy'
      ? { realizedAverage: zero, realizedFifo: zero }
      : afterSale(holding, quantity, proceedsOf(order, fill));
  const booked = decided(portfolio, atUs, {
    type: 'order_filled',
    order: {
      ...order,
      status: isFilled ? 'filled' : 'partially_filled',
      filledQuantity,
      filledQuote: add(order.filledQuote, traded),
      fees: add(order.fees, feeInQuote(order, fill)),
      held: isFilled ? zero : left,
      activeAfterTradeId: fillId,
    },
    fill,
    released: isFilled ? left : zero,
    realizedAverage,
    realizedFifo,
  });
  return reducedByLoss(booked, realizedLoss(booked.portfolio, order.quote), order.quote, atUs);
}

/** A fee as it counts in the quote asset: one in the base at the fill's price, one in a third asset not at all. */
export function feeInQuote(order: Pick<Order, 'base' | 'quote'>, { fee, feeAsset, price }: Fill): Decimal {
  if (feeAsset === undefined || feeAsset === order.quote) return fee;
  return feeAsset === order.base ? multiply(fee, price, 'half-even') : zero;
}

/** What of a fee the portfolio has nothing for; one in what the fill brings it always has. */
function outside(portfolio: Portfolio, order: Order, { fee, feeAsset }: LiveFill): Decimal {
  if (feeAsset === gainedAsset(order)) return zero;
  const available = portfolio.balances.get(feeAsset)?.available ?? zero;
  return subtract(fee, smaller(fee, available));
}

function gainedAsset({ side, base, quote }: Order): string {
  return side === 'buy' ? base : quote;
}
