import type { Decimal } from '#core/market/decimal.ts';

/** Why the venue ended an order: what could not be filled at once, or would have taken though post-only; `VENUE` for reasons of its own. */
export type ExpiryReason = 'IOC' | 'FOK' | 'POST_ONLY' | 'VENUE';
/** `venue`: it was cancelled there, and not from here. */
export type CancelReason = 'requested' | 'cancel_after' | 'kill_switch' | 'venue';
export type Side = 'buy' | 'sell';
export type OrderType = 'market' | 'limit' | 'stop_loss' | 'stop_limit';
export type TimeInForce = 'GTC' | 'IOC' | 'FOK';
/** A stop order is `pending` until its price is reached; all others are `open` from the start. */
export type OrderStatus =
  'pending' | 'open' | 'partially_filled' | 'filled' | 'canceled' | 'rejected' | 'expired';

/** What a client asks for, defaults applied; prices and quantities are positive. */
export interface OrderRequest {
  source: string;
  symbol: string;
  side: Side;
  type: OrderType;
  /** Of the base asset. */
  quantity: Decimal;
  /** Of limit and stop-limit orders: quote per base. */
  price?: Decimal;
  /** Of stop orders. */
  stopPrice?: Decimal;
  timeInForce: TimeInForce;
  postOnly: boolean;
  clientOrderId?: string;
}

/** An order that was accepted. */
export interface Order extends OrderRequest {
  id: string;
  /** The symbol's assets. */
  base: string;
  quote: string;
  status: OrderStatus;
  filledQuantity: Decimal;
  /** Quote paid or received so far, without fees. */
  filledQuote: Decimal;
  fees: Decimal;
  /** What is still reserved for it: quote of buys, base of sells. */
  held: Decimal;
  placedAtUs: number;
  /** How far in the market's tape it has been matched: trades with later ids may trigger or fill it. -1 before it is active. */
  activeAfterTradeId: number;
  /** Base quantity that stood before it at its price when it became active, and has not traded since. */
  queueAhead: Decimal;
  /** Of an order that a venue executes; undefined of one on paper. */
  live?: LiveOrder;
}

/** How far an order has come on its way to the venue, where it is known by the order's id. */
export interface LiveOrder {
  /** Of orders without a limit: the worst price they may be executed at, which they go to the venue with. */
  worstPrice?: Decimal;
  /** The mark: it is sent, once, and the venue takes it no later (microseconds by the venue's clock). */
  validUntilUs?: number;
  /** Known once the venue is known to have taken it. */
  venueOrderId?: number;
  /** Why it is to end; it is open, and its money held, until the venue says that it has. */
  cancel?: CancelReason;
}

/** What a symbol's orders must keep to. */
export interface SymbolRules {
  source: string;
  symbol: string;
  base: string;
  quote: string;
  tickSize: Decimal;
  stepSize: Decimal;
  /** Price times quantity at least. */
  minNotional: Decimal;
  isTrading: boolean;
}

/** Why an order is refused; stored as an answer, and the same for ever. */
export type RejectCode =
  | 'UNKNOWN_SYMBOL'
  | 'SYMBOL_NOT_TRADING'
  | 'PRICE_REQUIRED'
  | 'PRICE_NOT_ALLOWED'
  | 'STOP_PRICE_REQUIRED'
  | 'STOP_PRICE_NOT_ALLOWED'
  | 'STOP_PRICE_REACHED'
  | 'TIME_IN_FORCE_NOT_ALLOWED'
  | 'POST_ONLY_NOT_ALLOWED'
  | 'POST_ONLY_WOULD_TAKE'
  | 'PRICE_OFF_TICK'
  | 'QUANTITY_OFF_STEP'
  | 'NOTIONAL_TOO_SMALL'
  | 'INSUFFICIENT_BALANCE'
  | 'MARKET_DATA_STALE'
  | 'PRICE_OUTSIDE_COLLAR'
  | 'POSITION_LIMIT'
  | 'NOTIONAL_LIMIT'
  | 'OPEN_ORDERS_LIMIT'
  | 'ORDER_RATE_LIMIT'
  | 'DAILY_LOSS_LIMIT'
  | 'ONLY_REDUCING'
  | 'HALTED'
  /** By the venue, for what stands in the detail. */
  | 'VENUE_REFUSED';
