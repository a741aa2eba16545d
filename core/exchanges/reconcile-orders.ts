import { setTimeout as sleep } from 'node:timers/promises';
import { add, decimalText, parseDecimal, zero, type Decimal } from '#core/market/decimal.ts';
import { backOffMs } from '#core/platform/back-off.ts';
import type { MeantOrder, OrderAnswer, OrderVenue, VenueFill, VenueOrder } from './order-venue.ts';

/** An order that was meant to be placed, and of which it is not booked how it ended. */
export interface KnownOrder extends MeantOrder {
  /** What is booked as filled, decimal text. */
  filledQuantity: string;
}

export interface ReconcileRequest {
  orders: readonly KnownOrder[];
  /** By symbol: the first fill id that is not booked; fills from there on are asked for. All symbols of orders stand in it. */
  nextFillIds: ReadonlyMap<string, number>;
}

/** What the venue says of what is known here. */
export interface Reconciliation {
  /** By client order id: what became of each order. */
  orders: ReadonlyMap<string, OrderAnswer>;
  /** Those that are not booked, of known orders, by symbol and id: to be booked once, each under its id. */
  fills: VenueFill[];
  differences: Difference[];
}

/** What cannot be made good by booking. */
export type Difference =
  /** It is open at the venue, and was not placed from here. */
  | { kind: 'stranger_order'; order: VenueOrder }
  /** Of an order that is not known here as open. */
  | { kind: 'stranger_fill'; fill: VenueFill }
  /** The venue could not be asked what became of it. */
  | { kind: 'unknown_order'; order: KnownOrder; reason: string }
  /** The venue's fills do not add up to what it says was filled. */
  | { kind: 'fills_differ'; order: VenueOrder; added: string };

const fillsPerAnswer = 1_000;
/** Fills may be shown later than the orders they filled. */
const fillTries = 6;
const pause = { firstMs: 200, maxMs: 2_000 };

/**
 * Compares what is known of orders with the venue, after a start or a loss of connection: every order that is not shown as
 * open is asked for until it is known, and all fills that are not booked are read. Nothing is changed, here or there, and
 * nothing may be placed meanwhile: it would be a stranger's.
 * Throws as {@link OrderVenue.openOrders} does.
 */
export async function reconcileOrders(
  venue: OrderVenue,
  { orders: known, nextFillIds }: ReconcileRequest,
  signal?: AbortSignal,
): Promise<Reconciliation> {
  // Of all symbols: a stranger may trade where nothing was placed from here.
  const open = await venue.openOrders(undefined, signal);
  const openById = new Map(open.map((order) => [order.clientOrderId, order]));
  const orders = new Map<string, OrderAnswer>();
  for (const order of known) {
    const shown = openById.get(order.clientOrderId);
    const isOpen = shown?.symbol === order.symbol;
    const answer = isOpen ? { kind: 'accepted' as const, order: shown } : await venue.settle(order, signal);
    orders.set(order.clientOrderId, answer);
  }
  const { fills, short } = await readFills(venue, known, orders, nextFillIds, signal);
  const ids = new Set(acceptedOf(orders).map(keyOf));
  return {
    orders,
    fills: fills.filter((fill) => ids.has(keyOf(fill))),
    differences: [
      ...open.filter((order) => !orders.has(order.clientOrderId)).map((order) => strangerOrder(order)),
      ...fills.filter((fill) => !ids.has(keyOf(fill))).map((fill) => strangerFill(fill)),
      ...known.flatMap((order) => unknownOrder(order, orders.get(order.clientOrderId))),
      ...short,
    ],
  };
}

/** All fills that are not booked, asked for again while they are fewer than the orders say. */
async function readFills(
  venue: OrderVenue,
  known: readonly KnownOrder[],
  orders: ReadonlyMap<string, OrderAnswer>,
  nextFillIds: ReadonlyMap<string, number>,
  signal?: AbortSignal,
): Promise<{ fills: VenueFill[]; short: Difference[] }> {
  for (let attempt = 1; ; attempt++) {
    const fills: VenueFill[] = [];
    for (const [symbol, fromId] of nextFillIds)
      fills.push(...(await fillsFrom(venue, symbol, fromId, signal)));
    const short = known.flatMap((order) => fillsDiffer(order, orders.get(order.clientOrderId), fills));
    if (short.length === 0 || attempt === fillTries) return { fills, short };
    await sleep(backOffMs(attempt, pause), undefined, { signal });
  }
}

async function fillsFrom(
  venue: OrderVenue,
  symbol: string,
  fromId: number,
  signal?: AbortSignal,
): Promise<VenueFill[]> {
  const fills: VenueFill[] = [];
  for (let nextId = fromId; ;) {
    const page = await venue.fills({ symbol, fromId: nextId, limit: fillsPerAnswer }, signal);
    fills.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < fillsPerAnswer) return fills;
    nextId = last.id + 1;
  }
}

/** An open order may have been filled further since it was shown; one that is over may not. */
function fillsDiffer(
  known: KnownOrder,
  answer: OrderAnswer | undefined,
  fills: readonly VenueFill[],
): Difference[] {
  if (answer?.kind !== 'accepted') return [];
  const { order } = answer;
  const own = fills.filter((fill) => keyOf(fill) === keyOf(order));
  const added = own.reduce<Decimal>((sum, { quantity }) => add(sum, parseDecimal(quantity)), zero);
  const booked = add(parseDecimal(known.filledQuantity), added);
  const told = parseDecimal(order.filledQuantity);
  const isOpen = order.status === 'open' || order.status === 'partially_filled';
  if (booked === told || (isOpen && booked > told)) return [];
  return [{ kind: 'fills_differ', order, added: decimalText(added) }];
}

function acceptedOf(orders: ReadonlyMap<string, OrderAnswer>): VenueOrder[] {
  return [...orders.values()].flatMap((answer) => (answer.kind === 'accepted' ? answer.order : []));
}

const keyOf = ({ symbol, venueOrderId }: { symbol: string; venueOrderId: number }) =>
  `${symbol} ${venueOrderId}`;

function strangerOrder(order: VenueOrder): Difference {
  return { kind: 'stranger_order', order };
}

function strangerFill(fill: VenueFill): Difference {
  return { kind: 'stranger_fill', fill };
}

function unknownOrder(order: KnownOrder, answer: OrderAnswer | undefined): Difference[] {
  return answer?.kind === 'unknown' ? [{ kind: 'unknown_order', order, reason: answer.reason }] : [];
}
