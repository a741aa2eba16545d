import type { Decimal } from '#core/market/decimal.ts';
import type { VenueDifference } from './live.ts';
import type { CancelReason, ExpiryReason, Order, OrderRequest, RejectCode } from './order.ts';
import type { RiskLimits, RiskState } from './portfolio.ts';

/** The figures a placement was decided on. */
export interface RiskDecision {
  portfolioRisk: RiskState;
  globalRisk: RiskState;
  lastPrice?: Decimal;
  /** How old that was by the market's clock. */
  priceAgeMs?: number;
  notional?: Decimal;
  positionNotional?: Decimal;
  openOrders: number;
  ordersInMinute: number;
  dailyLoss?: Decimal;
}

export interface Fill {
  /** Of the tape; of a live fill its id at the venue. */
  tradeId: number;
  quantity: Decimal;
  price: Decimal;
  fee: Decimal;
  /** What the venue took the fee in; undefined on paper, where it is the quote asset. */
  feeAsset?: string;
  /** What of the fee the portfolio had nothing for: paid by what else the account has. */
  feeOutside?: Decimal;
  liquidity: 'maker' | 'taker';
  marketTimeUs: number;
}

/** What has happened to a portfolio: append-only; all state follows from it. Orders stand in it whole, as they are after it. */
export type TradingEvent =
  | { type: 'portfolio_opened'; userId: string; name: string; limits: RiskLimits; venue?: string }
  | { type: 'deposited'; id: string; asset: string; amount: Decimal }
  | { type: 'withdrawn'; id: string; asset: string; amount: Decimal }
  | { type: 'order_accepted'; order: Order; decision: RiskDecision }
  | {
      type: 'order_rejected';
      orderId: string;
      request: OrderRequest;
      code: RejectCode;
      /** For people: what was wrong, with its figures, and what to do. */
      detail: string;
      decision: RiskDecision;
    }
  /** It is about to be sent to the venue, and is sent once. */
  | { type: 'order_sent'; order: Order }
  /** The venue did not take it. */
  | { type: 'order_refused'; order: Order; released: Decimal; code: RejectCode; detail: string }
  /** On paper it begins to be matched; a live one was taken by the venue. */
  | { type: 'order_activated'; order: Order }
  | { type: 'order_triggered'; order: Order; tradeId: number; price: Decimal }
  | {
      type: 'order_filled';
      order: Order;
      fill: Fill;
      /** What of the reservation goes back as the order is over. */
      released: Decimal;
      /** Quote gained by a sale beyond its cost, fees included. */
      realizedAverage: Decimal;
      realizedFifo: Decimal;
    }
  | { type: 'order_amended'; order: Order; heldBefore: Decimal }
  /** The venue is asked to end it; until it has, nothing is released. */
  | { type: 'order_cancel_requested'; order: Order; reason: CancelReason }
  | { type: 'order_canceled'; order: Order; released: Decimal; reason: CancelReason }
  | { type: 'order_expired'; order: Order; released: Decimal; reason: ExpiryReason }
  | { type: 'cancel_after_set'; untilUs: number | null }
  | { type: 'limits_set'; limits: RiskLimits; by: string }
  /** What the venue says is not what is booked here. */
  | { type: 'venue_differs'; difference: VenueDifference }
  | { type: 'risk_set'; risk: RiskState; by: string; reason: string }
  /** The first look at prices on a UTC day of the market: what each `pair` (`base/quote`) held stood above its cost. */
  | { type: 'day_opened'; date: string; unrealized: readonly { pair: string; amount: Decimal }[] };

/** An event in its place among a portfolio's. */
export type NumberedEvent = TradingEvent & { number: number; atUs: number };
