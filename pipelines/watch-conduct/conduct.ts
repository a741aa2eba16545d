import { decimalText } from '#core/market/decimal.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import type { Order } from '#core/trading/order.ts';
import { countSince, counted, type Counts } from './counts.ts';

/** An order that was filled whole. Figures are for comparing, so numbers will do. */
interface Filled {
  side: 'buy' | 'sell';
  quantity: number;
  price: number;
  atUs: number;
}

/** What is remembered of how a user trades in one market. */
interface MarketConduct {
  /** The newest that was filled, where it is not one of a round trip. */
  last: Filled | null;
  /** Orders that were filled, and round trips, by minutes. */
  filled: Counts;
  trips: Counts;
}

/** What is remembered of how a user trades; bounded, and JSON. */
export interface Conduct {
  /** Orders placed, rejected ones too, by seconds. */
  placed: Counts;
  /** Orders accepted, and rejected, by minutes. */
  accepted: Counts;
  rejected: Counts;
  /** By `source|symbol`. */
  markets: Record<string, MarketConduct>;
  /** By pattern (and market): when it was last seen, after it was told. */
  toldUs: Record<string, number>;
}

/** A pattern that is told. */
export interface Unusual {
  kind: 'wash_trade' | 'order_burst' | 'repeated_rejects';
  cause: string;
  detail: Record<string, unknown>;
}

const secondUs = 1_000_000;
const minuteUs = 60 * secondUs;

/** So many orders of one user in so many seconds are a burst. */
export const burst = { orders: 100, seconds: 10 };
/** So many rejected orders of one user in so many minutes, which are at least half of all. */
export const rejects = { orders: 5, minutes: 5 };
/**
 * So many times in so many minutes a user bought and sold the same quantity of a market, one right after the other, without
 * a gain, and did little else there: no purpose but volume. Gains are before fees; slippage and haste make small losses.
 */
export const wash = {
  ...{ trips: 3, minutes: 10, tripUs: 30 * secondUs },
  ...{ quantityShare: 0.001, gainMin: -0.0025, gainMax: 0.0005, shareMin: 0.75 },
};
/** A pattern that goes on, or comes again within this time, is not told again. */
const quietUs = 60 * minuteUs;
const marketsMax = 200;

export function emptyConduct(): Conduct {
  return { placed: [], accepted: [], rejected: [], markets: {}, toldUs: {} };
}

/** Takes one event of a user into what is remembered, and answers what is unusual by it. */
export function observe(conduct: Conduct, event: NumberedEvent): Unusual[] {
  const { atUs } = event;
  if (event.type === 'order_accepted' || event.type === 'order_rejected') {
    const isRejected = event.type === 'order_rejected';
    conduct.placed = counted(conduct.placed, atUs, { bucketUs: secondUs, buckets: burst.seconds });
    const kind = isRejected ? 'rejected' : 'accepted';
    conduct[kind] = counted(conduct[kind], atUs, { bucketUs: minuteUs, buckets: rejects.minutes });
    return [...burstOf(conduct, atUs), ...(isRejected ? rejectsOf(conduct, atUs, event.code) : [])];
  }
  if (event.type === 'order_filled' && event.order.status === 'filled') {
    return washOf(conduct, event.order, atUs);
  }
  return [];
}

function burstOf(conduct: Conduct, atUs: number): Unusual[] {
  const orders = countSince(conduct.placed, atUs - burst.seconds * secondUs);
  if (orders < burst.orders || !isNew(conduct, 'order_burst', atUs)) return [];
  return [
    {
      kind: 'order_burst',
      cause: `${orders} orders were placed within ${burst.seconds} seconds`,
      detail: { orders, seconds: burst.seconds },
    },
  ];
}

function rejectsOf(conduct: Conduct, atUs: number, code: string): Unusual[] {
  const sinceUs = atUs - rejects.minutes * minuteUs;
  const rejected = countSince(conduct.rejected, sinceUs);
  const accepted = countSince(conduct.accepted, sinceUs);
  if (rejected < rejects.orders || rejected < accepted) return [];
  if (!isNew(conduct, 'repeated_rejects', atUs)) return [];
  return [
    {
      kind: 'repeated_rejects',
      cause: `${rejected} of ${rejected + accepted} orders were rejected within ${rejects.minutes} minutes, the last with ${code}`,
      detail: { rejected, orders: rejected + accepted, minutes: rejects.minutes, rejectCode: code },
    },
  ];
}

function washOf(conduct: Conduct, order: Order, atUs: number): Unusual[] {
  const key = `${order.source}|${order.symbol}`;
  const market = conduct.markets[key] ?? { last: null, filled: [], trips: [] };
  const filled = filledOf(order, atUs);
  const isTrip = market.last !== null && isRoundTrip(market.last, filled);
  const spans = { bucketUs: minuteUs, buckets: wash.minutes };
  market.filled = counted(market.filled, atUs, spans);
  if (isTrip) market.trips = counted(market.trips, atUs, spans);
  market.last = isTrip ? null : filled;
  conduct.markets[key] = market;
  forgetMarkets(conduct, atUs);
  const sinceUs = atUs - wash.minutes * minuteUs;
  const trips = countSince(market.trips, sinceUs);
  const isMost = 2 * trips >= wash.shareMin * countSince(market.filled, sinceUs);
  if (!isTrip || trips < wash.trips || !isMost || !isNew(conduct, `wash_trade|${key}`, atUs)) return [];
  const quantity = decimalText(order.filledQuantity);
  return [
    {
      kind: 'wash_trade',
      cause: `${order.symbol} was bought and sold in equal quantities without a gain ${trips} times within ${wash.minutes} minutes, last ${quantity} ${order.base}`,
      detail: {
        ...{ source: order.source, symbol: order.symbol, trips, minutes: wash.minutes },
        ...{ quantity, price: String(filled.price), orderId: order.id },
      },
    },
  ];
}

function filledOf({ side, filledQuantity, filledQuote }: Order, atUs: number): Filled {
  const quantity = Number(decimalText(filledQuantity));
  return { side, quantity, price: Number(decimalText(filledQuote)) / quantity, atUs };
}

function isRoundTrip(first: Filled, second: Filled): boolean {
  if (first.side === second.side || Math.abs(second.atUs - first.atUs) > wash.tripUs) return false;
  const larger = Math.max(first.quantity, second.quantity);
  if (Math.abs(first.quantity - second.quantity) > wash.quantityShare * larger) return false;
  const [bought, sold] = first.side === 'buy' ? [first, second] : [second, first];
  const gain = sold.price / bought.price - 1;
  return gain >= wash.gainMin && gain <= wash.gainMax;
}

/** Whether it was not told for a while; from now on it was. */
function isNew(conduct: Conduct, pattern: string, atUs: number): boolean {
  const lastUs = conduct.toldUs[pattern];
  const recent = Object.entries(conduct.toldUs).filter(([, us]) => us > atUs - quietUs);
  conduct.toldUs = { ...Object.fromEntries(recent), [pattern]: atUs };
  return lastUs === undefined || lastUs <= atUs - quietUs;
}

/** Markets that nothing was filled in for long, or that are too many. */
function forgetMarkets(conduct: Conduct, atUs: number): void {
  const newest = ({ filled }: MarketConduct): number => filled.at(-1)?.[0] ?? 0;
  const kept = Object.entries(conduct.markets)
    .filter(([, market]) => newest(market) > atUs - (wash.minutes + 1) * minuteUs)
    .toSorted(([, a], [, b]) => newest(b) - newest(a))
    .slice(0, marketsMax);
  conduct.markets = Object.fromEntries(kept);
}
