import {
  add,
  larger,
  multiply,
  one,
  onGrid,
  smaller,
  subtract,
  zero,
  type Decimal,
} from '#core/market/decimal.ts';
import { fillQuote } from './ledger.ts';
import type { Order, Side, SymbolRules } from './order.ts';
import { affordable, feeOf } from './reserve.ts';

/** What stands at a price, base quantity. */
export interface BookLevel {
  price: Decimal;
  quantity: Decimal;
}

/** A live order book, the best price of each side first. */
export interface Book {
  bids: readonly BookLevel[];
  asks: readonly BookLevel[];
}

/** By what the paper venue executes. */
export interface PaperTerms {
  rules: SymbolRules;
  takerFee: Decimal;
  /** Without a book, a taker's price is worse than the last one by this share of it. */
  slippage: Decimal;
}

/** What an order takes at once, the best price first. */
export interface Take {
  price: Decimal;
  quantity: Decimal;
}

/**
 * What an order can take: level by level of the other side as far as its price goes, and a purchase no more than what is
 * held for it pays. Without a book all of it at the last price with slippage, in ticks, but no worse than its own price.
 */
export function takesOf(order: Order, last: Decimal, book: Book | undefined, terms: PaperTerms): Take[] {
  const takes: Take[] = [];
  let remaining = subtract(order.quantity, order.filledQuantity);
  let { held } = order;
  for (const level of book === undefined ? slipped(order, last, terms) : otherSide(book, order.side)) {
    if (remaining === zero || isBeyond(order, level.price)) break;
    const payable =
      order.side === 'sell'
        ? remaining
        : onGrid(affordable(held, level.price, terms.takerFee), terms.rules.stepSize, 'down');
    const quantity = smaller(smaller(remaining, level.quantity), payable);
    if (quantity === zero) break;
    takes.push({ price: level.price, quantity });
    const cost = fillQuote({ price: level.price, quantity });
    held = subtract(held, add(cost, feeOf(cost, terms.takerFee)));
    remaining = subtract(remaining, quantity);
  }
  return takes;
}

/** Would an order take at once, were it not post-only? */
export function wouldTake(order: Order, last: Decimal, book: Book | undefined): boolean {
  const best = book === undefined ? last : otherSide(book, order.side)[0]?.price;
  return best !== undefined && !isBeyond(order, best);
}

/** The book without what was taken of it. */
export function without(book: Book, side: Side, takes: readonly Take[]): Book {
  const levels = otherSide(book, side).map((level, index) => {
    const quantity = subtract(level.quantity, takes[index]?.quantity ?? zero);
    return { price: level.price, quantity };
  });
  const left = levels.filter((level) => level.quantity > zero);
  return side === 'buy' ? { ...book, asks: left } : { ...book, bids: left };
}

/** What stands at an order's price on its own side, before it. */
export function queueAt(book: Book | undefined, { side, price }: Order): Decimal {
  const levels = side === 'buy' ? book?.bids : book?.asks;
  return levels?.find((level) => level.price === price)?.quantity ?? zero;
}

function otherSide(book: Book, side: Side): readonly BookLevel[] {
  return side === 'buy' ? book.asks : book.bids;
}

function slipped(order: Order, last: Decimal, { slippage, rules }: PaperTerms): BookLevel[] {
  const quantity = subtract(order.quantity, order.filledQuantity);
  if (isBeyond(order, last)) return [];
  if (order.side === 'buy') {
    const price = onGrid(multiply(last, add(one, slippage), 'up'), rules.tickSize, 'up');
    return [{ price: smaller(price, order.price ?? price), quantity }];
  }
  const worse = onGrid(multiply(last, subtract(one, slippage), 'down'), rules.tickSize, 'down');
  const price = larger(worse, rules.tickSize);
  return [{ price: larger(price, order.price ?? price), quantity }];
}

/** Is a price worse than the order's own? */
function isBeyond({ side, price }: Order, at: Decimal): boolean {
  return price !== undefined && (side === 'buy' ? at > price : at < price);
}
