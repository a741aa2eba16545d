import type { Decimal } from '#core/market/decimal.ts';
import type { Order } from './order.ts';

/** `total = available + held`; none is ever negative. */
export interface Balance {
  available: Decimal;
  held: Decimal;
}

/** Base bought at one price that is not sold yet; the oldest is sold first. */
export interface Lot {
  /** Number of the event that bought it. */
  number: number;
  quantity: Decimal;
  /** Quote paid for one, fee included. */
  unitCost: Decimal;
}

/** What is held of one base asset against one quote asset. */
export interface Holding {
  base: string;
  quote: string;
  quantity: Decimal;
  /** Quote paid for what is held, fees included, by average cost. */
  cost: Decimal;
  /** Profit of all sales, fees included: by average cost, and by the lots sold first in, first out. */
  realizedAverage: Decimal;
  realizedFifo: Decimal;
  lots: readonly Lot[];
}

/** `reducing` takes only orders that make a position smaller, `halted` none. */
export type RiskState = 'active' | 'reducing' | 'halted';

/** Upper bounds of one portfolio; amounts are in the quote asset of the order. */
export interface RiskLimits {
  positionNotionalMax: Decimal;
  orderNotionalMax: Decimal;
  openOrdersMax: number;
  ordersPerMinuteMax: number;
  /** A price at most so far from the last one, as a share of it. */
  priceCollar: Decimal;
  dailyLossMax: Decimal;
  /** Prices older than this are not traded on, by the market's clock. */
  staleAfterMs: number;
}

/** Orders accepted in the newest minute of the wall clock (a count of minutes since 1970) and in the one before. */
export interface OrderRate {
  minute: number;
  count: number;
  countBefore: number;
}

/** The market's UTC day; '' before the first. */
export interface TradingDay {
  date: string;
  /** Realised in it by average cost, in each quote asset. */
  realized: ReadonlyMap<string, Decimal>;
  /** By `base/quote`: what was held stood so far above its cost when prices were first looked at. */
  opening?: ReadonlyMap<string, Decimal>;
}

/** All that is decided about a portfolio follows from this; it follows from the portfolio's events. */
export interface Portfolio {
  id: string;
  /** Of the last event; 0 before the first. Events are numbered without holes. */
  number: number;
  risk: RiskState;
  limits: RiskLimits;
  balances: ReadonlyMap<string, Balance>;
  /** By `base/quote`. */
  holdings: ReadonlyMap<string, Holding>;
  /** Those that are not over, by id. */
  orders: ReadonlyMap<string, Order>;
  orderRate: OrderRate;
  day: TradingDay;
  /** Dead-man's switch: all orders are cancelled at this wall-clock time, unless it is moved on before. */
  cancelAfterUs?: number;
  /** The venue that executes its orders; undefined where they are executed on paper. */
  venue?: string;
}
