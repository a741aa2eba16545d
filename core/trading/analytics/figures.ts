import { add, zero, type Decimal } from '#core/market/decimal.ts';
import type { NumberedEvent } from '../event.ts';
import { entriesOf, fillQuote } from '../ledger.ts';
import { feeInQuote } from '../live-fill.ts';
import type { Side } from '../order.ts';

/** What came to be of an asset in an hour, less what went, by the events from the first to the last of these numbers. */
export interface Change {
  portfolioId: string;
  hourUs: number;
  asset: string;
  amount: Decimal;
  /** Deposits and withdrawals among them. */
  flows: number;
  numberFirst: number;
  numberLast: number;
}

/** What was bought or sold of a market in an hour; money is in the quote asset. */
export interface Fills {
  portfolioId: string;
  hourUs: number;
  source: string;
  symbol: string;
  side: Side;
  quote: string;
  fills: number;
  /** Of the base asset. */
  quantity: Decimal;
  /** Paid or received, without fees. */
  volume: Decimal;
  fees: Decimal;
  realizedAverage: Decimal;
  realizedFifo: Decimal;
}

export interface Activity {
  portfolioId: string;
  hourUs: number;
  type: NumberedEvent['type'];
  events: number;
}

/** What some events add to the figures of their portfolios. */
export interface Figures {
  changes: Change[];
  fills: Fills[];
  activity: Activity[];
}

export interface EventOfPortfolio {
  portfolioId: string;
  event: NumberedEvent;
}

/** Name of the consumer that keeps figures: how far it is says which events they count. */
export const figuresConsumer = 'figures';

const hourUs = 3_600_000_000;

/** When the hour of a time begins. */
export function hourOf(timeUs: number): number {
  return Math.floor(timeUs / hourUs) * hourUs;
}

/** Whether an event moves money into a portfolio or out of it. */
export function isFlow({ type }: Pick<NumberedEvent, 'type'>): boolean {
  return type === 'deposited' || type === 'withdrawn';
}

/** By how much an event changes what a portfolio has of each asset, held or not; of assets that it leaves as they are nothing. */
export function changesOf(event: NumberedEvent): Map<string, Decimal> {
  const changes = new Map<string, Decimal>();
  for (const { asset, account, amount } of entriesOf(event))
    if (account === 'available' || account === 'held')
      changes.set(asset, add(changes.get(asset) ?? zero, amount));
  for (const [asset, amount] of changes) if (amount === zero) changes.delete(asset);
  return changes;
}

/** Adds events up; each row stands once, sorted by its key. */
export function figuresOf(events: Iterable<EventOfPortfolio>): Figures {
  const changes = new Map<string, Change>();
  const fills = new Map<string, Fills>();
  const activity = new Map<string, Activity>();
  for (const { portfolioId, event } of events) {
    const of = { portfolioId, hourUs: hourOf(event.atUs) };
    const key = `${portfolioId} ${of.hourUs}`;
    put(activity, `${key} ${event.type}`, { ...of, type: event.type, events: 1 }, (sum, one) => {
      sum.events += one.events;
    });
    for (const [asset, amount] of changesOf(event)) {
      const { number } = event;
      const one = {
        ...of,
        asset,
        amount,
        flows: isFlow(event) ? 1 : 0,
        numberFirst: number,
        numberLast: number,
      };
      put(changes, `${key} ${asset}`, one, addChange);
    }
    if (event.type !== 'order_filled') continue;
    const { source, symbol, side, quote } = event.order;
    const { fill, realizedAverage, realizedFifo } = event;
    const one = {
      ...{ ...of, source, symbol, side, quote, fills: 1, quantity: fill.quantity, volume: fillQuote(fill) },
      ...{ fees: feeInQuote(event.order, fill), realizedAverage, realizedFifo },
    };
    put(fills, `${key} ${source} ${symbol} ${side}`, one, addFills);
  }
  return { changes: sorted(changes), fills: sorted(fills), activity: sorted(activity) };
}

function addChange(sum: Change, one: Change): void {
  sum.amount = add(sum.amount, one.amount);
  sum.flows += one.flows;
  sum.numberFirst = Math.min(sum.numberFirst, one.numberFirst);
  sum.numberLast = Math.max(sum.numberLast, one.numberLast);
}

function addFills(sum: Fills, one: Fills): void {
  sum.fills += one.fills;
  for (const name of ['quantity', 'volume', 'fees', 'realizedAverage', 'realizedFifo'] as const)
    sum[name] = add(sum[name], one[name]);
}

function put<Row>(rows: Map<string, Row>, key: string, row: Row, addTo: (sum: Row, one: Row) => void): void {
  const sum = rows.get(key);
  if (sum === undefined) rows.set(key, row);
  else addTo(sum, row);
}

/** So that whoever writes rows at the same time takes them in the same order. */
function sorted<Row>(rows: ReadonlyMap<string, Row>): Row[] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
