import type { Decimal } from '#core/market/decimal.ts';
import type { LiveStep, VenueDifference } from './live.ts';
import type { CancelReason, ExpiryReason, OrderRequest, SymbolRules } from './order.ts';
import type { RiskLimits, RiskState } from './portfolio.ts';

/** What is asked of one portfolio. Times are microseconds since 1970 UTC by the wall clock of who asks. */
export type Command = { portfolioId: string; atUs: number } & (
  | { kind: 'open_portfolio'; userId: string; name: string; limits: RiskLimits; venue?: string }
  | { kind: 'deposit'; id: string; asset: string; amount: Decimal }
  | { kind: 'withdraw'; id: string; asset: string; amount: Decimal }
  | { kind: 'place_order'; orderId: string; request: OrderRequest }
  | { kind: 'amend_order'; orderId: string; quantity?: Decimal; price?: Decimal; stopPrice?: Decimal }
  | { kind: 'cancel_order'; orderId: string; reason: CancelReason }
  | { kind: 'cancel_all'; source?: string; symbol?: string; reason: CancelReason }
  | { kind: 'cancel_after'; untilUs: number | null }
  | { kind: 'set_limits'; limits: RiskLimits; by: string }
  | { kind: 'set_risk'; risk: RiskState; by: string; reason: string }
  | VenueStep
  /** What one moment of the market did to the portfolio's orders, in one piece; steps that no longer fit are left out. */
  | { kind: 'execute'; steps: readonly VenueStep[] }
  /** What is known of a live portfolio's orders at their venue: all of it is booked, or nothing. */
  | { kind: 'execute_live'; steps: readonly LiveStep[] }
  | { kind: 'report_difference'; difference: VenueDifference }
  /** By `base/quote`; pairs without a price count as unchanged. */
  | { kind: 'mark_prices'; prices: ReadonlyMap<string, Decimal>; marketTimeUs: number }
);

/** What the tape or the book did to an order. */
export type VenueStep =
  | { kind: 'activate_order'; orderId: string; activeAfterTradeId: number; queueAhead: Decimal }
  | { kind: 'trigger_order'; orderId: string; tradeId: number; price: Decimal }
  | {
      kind: 'fill_order';
      orderId: string;
      /** Of the tape: the trade that filled it, or the newest one where it took from the book. */
      tradeId: number;
      quantity: Decimal;
      price: Decimal;
      liquidity: 'maker' | 'taker';
      queueAhead: Decimal;
      marketTimeUs: number;
    }
  | { kind: 'expire_order'; orderId: string; reason: ExpiryReason };

export type CommandKind = Command['kind'];

/** What is known of a market as a command is decided. */
export interface MarketView {
  rules: SymbolRules;
  /** The newest trade. */
  last?: { price: Decimal; tradeId: number; timeUs: number };
  /** The venue's own time, which prices are fresh or stale by. */
  timeUs: number;
}

/** What `decide` is told beyond the portfolio. */
export interface Surroundings {
  /** Of a command's symbol; undefined where there is none. */
  market?: MarketView;
  /** Of all portfolios; the stricter of this and the portfolio's own counts. */
  globalRisk: RiskState;
  fees: { maker: Decimal; taker: Decimal };
}
