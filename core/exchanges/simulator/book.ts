import { quantityText, priceText } from './messages.ts';
import { mix } from './random.ts';
import type { MarketTape } from './market-tape.ts';

/** Levels by price in ticks, best first; quantities in lots. */
export interface Side {
  prices: number[];
  lots: number[];
}

export interface Book {
  lastUpdateId: number;
  bids: Side;
  asks: Side;
}

export type LevelText = [price: string, quantity: string];

const slotMs = 100;
const idsPerSlot = 8;
const levels = 500;
/** A level's quantity changes about once in so many slots. */
const slotsPerChange = 300;

/** The tenth of a second whose book is in force. */
export function slotOf(ms: number): number {
  return Math.floor(ms / slotMs);
}

/** Ids a book's update covers: contiguous from slot to slot, so that updates may join any number of slots. */
export function lastUpdateIdOf(slot: number): number {
  return slot * idsPerSlot;
}

/**
 * The order book during a slot, a pure function of the tape: around the last trade before the slot began, on a grid of
 * prices below and above it; each level keeps its quantity for a while. REST and streams show the same books.
 */
export function bookAt(tape: MarketTape, slot: number): Book {
  const { hash, anchorTicks, lotsPerTrade } = tape.market;
  const { price, buyerIsMaker } = lastTrade(tape, slot * slotMs);
  const spread = 1 + Math.floor(price * 0.00002);
  const bestBid = Math.max(1, buyerIsMaker ? price : price - spread);
  const bestAsk = Math.max(bestBid + 1, buyerIsMaker ? price + spread : price);
  const grid = Math.max(1, Math.round(price * 0.00002));
  const size = (lotsPerTrade * anchorTicks * 4) / price;
  const lotsAt = (ticks: number, side: number): number => {
    const level = mix(mix(hash, side), ticks);
    const quantity = mix(level, Math.floor((slot + (level % slotsPerChange)) / slotsPerChange)) / 2 ** 32;
    return 1 + Math.floor(size * (0.05 + quantity * quantity * 2));
  };
  const bids: Side = { prices: [], lots: [] };
  const asks: Side = { prices: [], lots: [] };
  for (let i = 0, ticks = bestBid; i < levels && ticks > 0; i++) {
    bids.prices.push(ticks);
    bids.lots.push(lotsAt(ticks, 1));
    ticks = (Math.ceil(ticks / grid) - 1) * grid;
  }
  for (let i = 0, ticks = bestAsk; i < levels; i++) {
    asks.prices.push(ticks);
    asks.lots.push(lotsAt(ticks, 2));
    ticks = (Math.floor(ticks / grid) + 1) * grid;
  }
  return { lastUpdateId: lastUpdateIdOf(slot), bids, asks };
}

export function sideText(tape: MarketTape, side: Side, limit: number): LevelText[] {
  return side.prices
    .slice(0, limit)
    .map((price, i) => [priceText(tape, price), quantityText(tape, side.lots[i] ?? 0)]);
}

/** Levels to set, with quantity 0 for those that went, so that `before` becomes `after`. */
export function changes(tape: MarketTape, before: Side, after: Side): LevelText[] {
  const gone = new Map(before.prices.map((price, i) => [price, before.lots[i] ?? 0]));
  const changed: LevelText[] = [];
  after.prices.forEach((price, i) => {
    const lots = after.lots[i] ?? 0;
    if (gone.get(price) !== lots) changed.push([priceText(tape, price), quantityText(tape, lots)]);
    gone.delete(price);
  });
  for (const price of gone.keys()) changed.push([priceText(tape, price), quantityText(tape, 0)]);
  return changed;
}

/** The data of a `bookTicker` message. */
export function bookTickerMessage(tape: MarketTape, book: Book): string {
  const [bid, ask] = [sideText(tape, book.bids, 1)[0], sideText(tape, book.asks, 1)[0]];
  return (
    `{"u":${book.lastUpdateId},"s":"${tape.market.symbol}",` +
    `"b":"${bid?.[0]}","B":"${bid?.[1]}","a":"${ask?.[0]}","A":"${ask?.[1]}"}`
  );
}

/** The data of a `depthUpdate` message that leads from one book to a later one. */
export function depthMessage(tape: MarketTape, before: Book, after: Book, nowMs: number): string {
  return JSON.stringify({
    ...{ e: 'depthUpdate', E: nowMs, s: tape.market.symbol },
    ...{ U: before.lastUpdateId + 1, u: after.lastUpdateId },
    b: changes(tape, before.bids, after.bids),
    a: changes(tape, before.asks, after.asks),
  });
}

/** The last trade before an instant; before the first one, the opening price. */
function lastTrade(tape: MarketTape, ms: number): { price: number; buyerIsMaker: boolean } {
  const id = tape.nextId(ms - 1) - 1;
  if (id < tape.oldestId) return { price: tape.market.anchorTicks, buyerIsMaker: true };
  const { minute, index } = tape.placeOf(id);
  const { price, buyerIsMaker } = tape.trades(minute);
  return { price: price[index] ?? 0, buyerIsMaker: buyerIsMaker[index] === 1 };
}
