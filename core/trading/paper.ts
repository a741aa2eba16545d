import { subtract, zero, type Decimal } from '#core/market/decimal.ts';
import type { VenueStep } from './command.ts';
import type { ExpiryReason, Order } from './order.ts';
import { queueAt, takesOf, without, wouldTake, type Book, type PaperTerms, type Take } from './take.ts';
import { byTime, isTriggered, reaches, sharesOf, type TapeTrade } from './tape.ts';

export type { Book, BookLevel, PaperTerms } from './take.ts';
export type { TapeTrade } from './tape.ts';

/** A market as an order meets it: the newest trade, and the live order book where there is one. */
export interface PaperMarket {
  last: { price: Decimal; tradeId: number; timeUs: number };
  book?: Book;
}

/**
 * What becomes of one portfolio's orders of a symbol that are not active yet (`activeAfterTradeId` is -1), the first
 * placed first: stop orders begin to wait, or are triggered where the newest trade has reached them meanwhile; all others
 * take what they can of the book, or at the last price with slippage where there is none; what is left of them rests
 * behind what stands at its price, or expires. Deterministic.
 */
export function onActive(orders: Iterable<Order>, market: PaperMarket, terms: PaperTerms): VenueStep[] {
  const inactive = [...orders].filter((order) => order.activeAfterTradeId < 0).sort(byTime);
  const { last } = market;
  const isWaiting = (order: Order) => order.status === 'pending' && !isTriggered(order, last.price);
  return [
    ...inactive.filter(isWaiting).map((order) => activated(order, last.tradeId, zero)),
    ...inactive
      .filter((order) => order.status === 'pending' && !isWaiting(order))
      .flatMap((order) => [activated(order, last.tradeId - 1, zero), triggered(order, last)]),
    ...meeting(
      inactive.filter((order) => !isWaiting(order)),
      market,
      terms,
    ),
  ];
}

/**
 * What a trade of the tape does to one portfolio's active orders of its symbol. Resting orders that it comes to share its
 * volume by price, then time; at an order's own price what stands before it comes first. Stop orders that it reaches are
 * triggered and meet the market at once. A trade that an order is matched up to does nothing to it. Deterministic.
 */
export function onTrade(
  orders: Iterable<Order>,
  trade: TapeTrade,
  terms: PaperTerms,
  book?: Book,
): VenueStep[] {
  const resting: Order[] = [];
  const stops: Order[] = [];
  for (const order of orders)
    if (reaches(trade, order)) (order.status === 'pending' ? stops : resting).push(order);
  if (resting.length === 0 && stops.length === 0) return [];
  const market: PaperMarket = { last: trade, ...(book !== undefined && { book }) };
  stops.sort(byTime);
  return [
    ...sharesOf(trade, resting),
    ...stops.map((order) => triggered(order, trade)),
    ...meeting(stops, market, terms),
  ];
}

/** Orders meet the market one after another: what one takes is gone from the book for the next. */
function meeting(orders: readonly Order[], market: PaperMarket, terms: PaperTerms): VenueStep[] {
  const steps: VenueStep[] = [];
  let { book } = market;
  for (const order of orders) {
    const takes = taken(order, market.last.price, book, terms);
    if (book !== undefined) book = without(book, order.side, takes);
    const queueAhead = takes.length === 0 ? queueAt(book, order) : zero;
    const reason = expiry(order, takes, market.last.price, book);
    steps.push(activated(order, market.last.tradeId, queueAhead));
    steps.push(...takes.map((take) => filled(order, take, market)));
    if (reason !== undefined) steps.push({ kind: 'expire_order', orderId: order.id, reason });
  }
  return steps;
}

/** What an order takes by its time in force: post-only none, fill-or-kill all or none. */
function taken(order: Order, last: Decimal, book: Book | undefined, terms: PaperTerms): Take[] {
  if (order.postOnly) return [];
  const takes = takesOf(order, last, book, terms);
  return order.timeInForce === 'FOK' && left(order, takes) > zero ? [] : takes;
}

/** Why what is left of an order after its takes may not rest. */
function expiry(
  order: Order,
  takes: readonly Take[],
  last: Decimal,
  book: Book | undefined,
): ExpiryReason | undefined {
  if (order.postOnly) return wouldTake(order, last, book) ? 'POST_ONLY' : undefined;
  if (left(order, takes) === zero) return undefined;
  if (order.timeInForce === 'FOK') return 'FOK';
  return order.timeInForce === 'IOC' || order.price === undefined ? 'IOC' : undefined;
}

function left(order: Order, takes: readonly Take[]): Decimal {
  const open = subtract(order.quantity, order.filledQuantity);
  return takes.reduce((rest, take) => subtract(rest, take.quantity), open);
}

function activated({ id }: Order, activeAfterTradeId: number, queueAhead: Decimal): VenueStep {
  return { kind: 'activate_order', orderId: id, activeAfterTradeId, queueAhead };
}

function triggered({ id }: Order, { tradeId, price }: PaperMarket['last']): VenueStep {
  return { kind: 'trigger_order', orderId: id, tradeId, price };
}

function filled({ id }: Order, { quantity, price }: Take, { last }: PaperMarket): VenueStep {
  return {
    kind: 'fill_order',
    orderId: id,
    tradeId: last.tradeId,
    quantity,
    price,
    liquidity: 'taker',
    queueAhead: zero,
    marketTimeUs: last.timeUs,
  };
}
