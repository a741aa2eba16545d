import { add, multiply, subtract, units, zero, type Decimal } from '#core/market/decimal.ts';
import type { Fill, TradingEvent } from './event.ts';
import type { Order } from './order.ts';

/** `available` and `held` are the portfolio's own; the others are where its money comes from and goes to. */
export type Account = 'available' | 'held' | 'external' | 'market' | 'fees';

/** One side of a booking; at most one of an event for each asset and account, and none of zero. */
export interface Entry {
  asset: string;
  account: Account;
  amount: Decimal;
}

/** What an event moves between accounts, by double entry: the amounts of each asset sum to zero. */
export function entriesOf(event: TradingEvent): Entry[] {
  switch (event.type) {
    case 'deposited':
      return moved(event.asset, 'external', 'available', event.amount);
    case 'withdrawn':
      return moved(event.asset, 'available', 'external', event.amount);
    case 'order_accepted':
      return moved(heldAsset(event.order), 'available', 'held', event.order.held);
    case 'order_amended':
      return moved(heldAsset(event.order), 'available', 'held', subtract(event.order.held, event.heldBefore));
    case 'order_canceled':
    case 'order_expired':
    case 'order_refused':
      return moved(heldAsset(event.order), 'held', 'available', event.released);
    case 'order_filled':
      return event.fill.feeAsset === undefined
        ? filledOnPaper(event)
        : filledLive(event, event.fill.feeAsset);
    case 'portfolio_opened':
    case 'order_rejected':
    case 'order_sent':
    case 'order_activated':
    case 'order_triggered':
    case 'order_cancel_requested':
    case 'cancel_after_set':
    case 'venue_differs':
    case 'limits_set':
    case 'risk_set':
    case 'day_opened':
      return [];
  }
}

/** Of which asset an order holds. */
export function heldAsset(order: { side: Order['side']; base: string; quote: string }): string {
  return order.side === 'buy' ? order.quote : order.base;
}

/** Quote that changes hands in a fill, without its fee, rounded down. */
export function fillQuote(fill: { quantity: Decimal; price: Decimal }): Decimal {
  return multiply(fill.quantity, fill.price, 'down');
}

/** What a purchase's fill brings of the base, and what that cost in quote: a fee counts in the asset it was taken in. */
export function boughtBy({ base, quote }: Pick<Order, 'base' | 'quote'>, fill: Fill): Bought {
  const { quantity, fee, feeAsset = quote } = fill;
  return {
    quantity: feeAsset === base ? subtract(quantity, fee) : quantity,
    cost: feeAsset === quote ? add(fillQuote(fill), fee) : fillQuote(fill),
  };
}

/** What a sale's fill brings of the quote. */
export function proceedsOf({ quote }: Pick<Order, 'quote'>, fill: Fill): Decimal {
  const { fee, feeAsset = quote } = fill;
  return feeAsset === quote ? subtract(fillQuote(fill), fee) : fillQuote(fill);
}

export interface Bought {
  quantity: Decimal;
  cost: Decimal;
}

type Filled = Extract<TradingEvent, { type: 'order_filled' }>;

function filledOnPaper(event: Filled): Entry[] {
  return event.order.side === 'buy' ? bought(event) : sold(event);
}

/** As on paper, but that the fee goes off what there is of its asset, and not off what is held. */
function filledLive(event: Filled, asset: string): Entry[] {
  const { fee, feeOutside = zero } = event.fill;
  return summedUp([
    ...filledOnPaper({ ...event, fill: { ...event.fill, fee: zero } }),
    { asset, account: 'available', amount: subtract(feeOutside, fee) },
    { asset, account: 'external', amount: units(-feeOutside) },
    { asset, account: 'fees', amount: fee },
  ]);
}

function bought({ order: { base, quote }, fill, released }: Filled): Entry[] {
  const paid = fillQuote(fill);
  return without0([
    { asset: quote, account: 'held', amount: units(-(paid + fill.fee + released)) },
    { asset: quote, account: 'available', amount: released },
    { asset: quote, account: 'market', amount: paid },
    { asset: quote, account: 'fees', amount: fill.fee },
    { asset: base, account: 'market', amount: units(-fill.quantity) },
    { asset: base, account: 'available', amount: fill.quantity },
  ]);
}

function sold({ order: { base, quote }, fill, released }: Filled): Entry[] {
  const received = fillQuote(fill);
  return without0([
    { asset: base, account: 'held', amount: units(-add(fill.quantity, released)) },
    { asset: base, account: 'available', amount: released },
    { asset: base, account: 'market', amount: fill.quantity },
    { asset: quote, account: 'market', amount: units(-received) },
    { asset: quote, account: 'available', amount: subtract(received, fill.fee) },
    { asset: quote, account: 'fees', amount: fill.fee },
  ]);
}

/** One entry for each asset and account. */
function summedUp(entries: readonly Entry[]): Entry[] {
  const sums = new Map<string, Entry>();
  for (const { asset, account, amount } of entries) {
    const key = `${asset} ${account}`;
    sums.set(key, { asset, account, amount: add(sums.get(key)?.amount ?? zero, amount) });
  }
  return without0([...sums.values()]);
}

function moved(asset: string, from: Account, to: Account, amount: Decimal): Entry[] {
  return without0([
    { asset, account: from, amount: units(-amount) },
    { asset, account: to, amount },
  ]);
}

function without0(entries: Entry[]): Entry[] {
  return entries.filter((entry) => entry.amount !== zero);
}
