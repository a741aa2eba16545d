import type { Decimal } from '#core/market/decimal.ts';
import type { CancelReason, ExpiryReason } from './command.ts';
import type { Order, OrderRequest, RejectCode } from './order.ts';
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
  tradeId: number;
  quantity: Decimal;
  price: Decimal;
  /** In the quote asset. */
  fee: Decimal;
  liquidity: 'maker' | 'taker';
  marketTimeUs: number;
}

/** What has happened to a portfolio: append-only; all state follows from it. Orders stand in it whole, as they are after it. */
export type TradingEvent =
  | { type: 'portfolio_opened'; userId: string; name: string; limits: RiskLimits }
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
  | { type: 'order_canceled'; order: Order; released: Decimal; reason: CancelReason }
  | { type: 'order_expired'; order: Order; released: Decimal; reason: ExpiryReason }
  | { type: 'cancel_after_set'; untilUs: number | null }
  | { type: 'limits_set'; limits: RiskLimits; by: string }
  | { type: 'risk_set'; risk: RiskState; by: string; reason: string }
  /** The first look at prices on a UTC day of the market: what each `pair` (`base/quote`) held stood above its cost. */
  | { type: 'day_opened'; date: string; unrealized: readonly { pair: string; amount: Decimal }[] };

/** An event in its place among a portfolio's. */
export type NumberedEvent = TradingEvent & { number: number; atUs: number };
