import type { Difference } from '#core/exchanges/reconcile-orders.ts';
import type { VenueBalance, VenueFill } from '#core/exchanges/order-venue.ts';
import { add, decimalText, parseDecimal, zero, type Decimal } from '#core/market/decimal.ts';
import type { TicklakeError } from '#core/platform/errors.ts';
import type { VenueDifference } from '#core/trading/live.ts';
import type { Order } from '#core/trading/order.ts';
import type { Portfolio } from '#core/trading/portfolio.ts';

/** What differs, in words that an operator can act on. A stranger's fill is told where fills are booked. */
export function differenceOf(difference: Exclude<Difference, { kind: 'stranger_fill' }>): VenueDifference {
  switch (difference.kind) {
    case 'stranger_order': {
      const { symbol, venueOrderId, clientOrderId, side, quantity } = difference.order;
      return {
        kind: 'stranger_order',
        key: `stranger_order ${symbol} ${venueOrderId}`,
        cause: `An order is open at the exchange that was not placed from here: ${side} ${quantity} ${symbol}, its number ${venueOrderId}, its id ${clientOrderId.slice(0, 64)}`,
      };
    }
    case 'unknown_order': {
      const { symbol, clientOrderId } = difference.order;
      return {
        kind: 'order_unknown',
        key: `order_unknown ${clientOrderId}`,
        cause: `What became of order ${clientOrderId} in ${symbol} could not be asked: ${difference.reason}`,
      };
    }
    case 'fills_differ': {
      const { clientOrderId, filledQuantity } = difference.order;
      return {
        kind: 'fills_differ',
        key: `fills_differ ${clientOrderId} ${filledQuantity}`,
        cause: `The exchange says that ${filledQuantity} of order ${clientOrderId} are filled; its fills add up to another quantity`,
      };
    }
  }
}

export function strangerFill({
  symbol,
  id,
  side,
  quantity,
  price,
  venueOrderId,
}: VenueFill): VenueDifference {
  return {
    kind: 'stranger_fill',
    key: `stranger_fill ${symbol} ${id}`,
    cause: `The account traded what was not placed from here: ${side} ${quantity} ${symbol} at ${price}, fill ${id} of order ${venueOrderId}`,
  };
}

/** The venue does not know an order any longer that it had taken. */
export function orderMissing({ id, symbol, live }: Order): VenueDifference {
  return {
    kind: 'order_missing',
    key: `order_missing ${id}`,
    cause: `The exchange does not know order ${id} in ${symbol} any longer, which it had taken as ${live?.venueOrderId}`,
  };
}

/** Fills that do not fit the order they are of. */
export function unbookable(symbol: string, fillId: number, { message }: TicklakeError): VenueDifference {
  return {
    kind: 'fills_differ',
    key: `unbookable ${symbol} ${fillId}`,
    cause: `Fills of ${symbol} from ${fillId} on cannot be booked: ${message}`,
  };
}

/** Assets of which the account has less than the portfolio. What it has beyond that was not given to the portfolio. */
export function shortBalances(portfolio: Portfolio, balances: readonly VenueBalance[]): VenueDifference[] {
  const there = new Map(balances.map(({ asset, free, locked }) => [asset, sum(free, locked)]));
  return [...portfolio.balances].flatMap(([asset, { available, held }]) => {
    const [has, booked] = [there.get(asset) ?? zero, add(available, held)];
    if (has >= booked) return [];
    const [hasText, bookedText] = [decimalText(has), decimalText(booked)];
    return {
      kind: 'balance_short' as const,
      key: `balance_short ${asset} ${hasText} ${bookedText}`,
      cause: `The account has ${hasText} ${asset}, and ${bookedText} are booked`,
    };
  });
}

function sum(free: string, locked: string): Decimal {
  return add(parseDecimal(free), parseDecimal(locked));
}
