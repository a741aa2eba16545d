import type { Side } from '../book.ts';

/** So many lots at a price. */
export interface Take {
  ticks: number;
  lots: number;
}

export interface Taker {
  isBuy: boolean;
  lots: number;
  /** No price worse than this; none takes any. */
  limitTicks: number | undefined;
}

/** What an order takes of the other side's levels, best price first, in so far as its limit allows. */
export function takesOf({ isBuy, lots, limitTicks }: Taker, levels: Side): Take[] {
  const takes: Take[] = [];
  let left = lots;
  for (const [i, ticks] of levels.prices.entries()) {
    if (left === 0) break;
    if (limitTicks !== undefined && (isBuy ? ticks > limitTicks : ticks < limitTicks)) break;
    const taken = Math.min(left, levels.lots[i] ?? 0);
    if (taken === 0) continue;
    takes.push({ ticks, lots: taken });
    left -= taken;
  }
  return takes;
}

export function lotsOf(takes: readonly Take[]): number {
  return takes.reduce((sum, { lots }) => sum + lots, 0);
}

/** An order that waits in the book. */
export interface Resting {
  isBuy: boolean;
  ticks: number;
  /** Not filled yet. */
  lots: number;
  /** Lots of others that stood at its price before it, and have not traded since. */
  queueLots: number;
  /** Smaller came earlier. */
  place: number;
}

export interface TapeTrade {
  ticks: number;
  lots: number;
  /** Whether the buyer was the one in the book. */
  buyerIsMaker: boolean;
}

/** What a trade of the tape does to an order in the book. */
export interface Met<T extends Resting> {
  order: T;
  /** Filled at the order's own price. */
  lots: number;
  queueLots: number;
}

/**
 * What a trade does to orders in the book. It reaches those at better prices whole: it could not have happened past them.
 * At an order's own price, it first trades away what stood there before. Those of a side get no more than was traded,
 * better prices first, then who came first.
 */
export function metBy<T extends Resting>(orders: readonly T[], trade: TapeTrade): Met<T>[] {
  return [true, false].flatMap((isBuy) => {
    const side = orders.filter((order) => order.isBuy === isBuy);
    return ofSide(side, trade);
  });
}

function ofSide<T extends Resting>(orders: readonly T[], trade: TapeTrade): Met<T>[] {
  let given = 0;
  return [...orders].sort(byPriority).flatMap((order) => {
    const { isBuy, ticks, queueLots } = order;
    const isThrough = isBuy ? trade.ticks < ticks : trade.ticks > ticks;
    const isAt = trade.ticks === ticks && trade.buyerIsMaker === isBuy;
    if (!isThrough && !isAt) return [];
    const before = isThrough ? 0 : queueLots;
    const lots = Math.max(0, Math.min(order.lots, trade.lots - before - given));
    given += lots;
    return { order, lots, queueLots: Math.max(0, before - trade.lots) };
  });
}

/** Whether a trade's price reaches a stop. */
export function isReached(isBuy: boolean, stopTicks: number, ticks: number): boolean {
  return isBuy ? ticks >= stopTicks : ticks <= stopTicks;
}

function byPriority(a: Resting, b: Resting): number {
  return (a.isBuy ? b.ticks - a.ticks : a.ticks - b.ticks) || a.place - b.place;
}
