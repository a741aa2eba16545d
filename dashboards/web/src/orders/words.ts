import type { Order, StreamOrderEvent } from '#api/client/index.ts';
import { amount, price } from '../format.ts';
import type { Notice } from '../state/notices.ts';
import { orderTypes } from './entry.ts';

export const statusWords: Record<Order['status'], string> = {
  pending: 'Waiting for its stop',
  open: 'Open',
  partially_filled: 'Partly filled',
  filled: 'Filled',
  canceled: 'Cancelled',
  rejected: 'Refused',
  expired: 'Expired',
};

type Terms = Pick<Order, 'side' | 'type' | 'symbol' | 'quantity' | 'price' | 'stopPrice'>;

/** An order in a few words: `Buy 0.01 BTCUSDT, limit 60,000.00`. */
export function orderWords({ side, type, symbol, quantity, price: limit, stopPrice }: Terms): string {
  const terms = [
    ...(stopPrice === null ? [] : [`stop ${price(stopPrice)}`]),
    ...(limit === null ? [] : [`limit ${price(limit)}`]),
  ];
  const how = terms.length === 0 ? orderTypes[type].label.toLowerCase() : terms.join(', ');
  return `${sideWord(side)} ${amount(quantity)} ${symbol}, ${how}`;
}

/** How an order stands; one whose exchange was asked to end it is open until that has. */
export function statusWord({
  status,
  isCancelRequested,
}: Pick<Order, 'status' | 'isCancelRequested'>): string {
  return isCancelRequested ? 'Being cancelled' : statusWords[status];
}

export function sideWord(side: Order['side']): string {
  return side === 'buy' ? 'Buy' : 'Sell';
}

/** What an event of an order is worth telling at once; most are not, as their doer sees the answer. */
export function noticeOf({ type, order, fill }: StreamOrderEvent): Omit<Notice, 'id'> | undefined {
  const { side, symbol, filledQuantity, quantity } = order;
  if (fill !== null) {
    const did = side === 'buy' ? 'Bought' : 'Sold';
    return {
      tone: 'good',
      title: `${did} ${amount(fill.quantity)} ${symbol} at ${price(fill.price)}`,
      detail:
        order.status === 'filled'
          ? 'The order is filled.'
          : `${amount(filledQuantity)} of ${amount(quantity)} are filled.`,
    };
  }
  if (type === 'order_triggered') {
    return { tone: 'plain', title: `The stop of ${symbol} is reached`, detail: orderWords(order) };
  }
  if (type === 'order_refused') {
    return {
      tone: 'bad',
      title: `The exchange refused an order of ${symbol}`,
      detail: order.rejectDetail ?? orderWords(order),
    };
  }
  if (type === 'order_expired') {
    return {
      tone: 'plain',
      title: `An order of ${symbol} has expired`,
      detail: `${amount(filledQuantity)} of ${amount(quantity)} were filled.`,
    };
  }
  return undefined;
}
