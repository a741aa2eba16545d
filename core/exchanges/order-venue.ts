/**
 * Where orders of one account are executed. Prices, quantities and amounts are decimal text; times are microseconds since
 * 1970 UTC by the venue's clock.
 *
 * What became of an order is known for good, also after a crash at any instant: whoever means to place one keeps its
 * `clientOrderId` and `validUntilUs` first, places it once and never again under that id, and asks by `settle` where the
 * answer did not come. The venue takes nothing after `validUntilUs`, so that an order it does not know by then never was.
 */
export interface OrderVenue {
  /** The venue's name, as in the lake. */
  readonly source: string;
  /** The venue's clock as it is known here; measured where it is not known yet. Throws as {@link openOrders} does. */
  nowUs(signal?: AbortSignal): Promise<number>;
  /** Places an order. `unknown` only where the venue could not be asked what became of it: then it is for `settle`. */
  place(order: VenueOrderRequest, signal?: AbortSignal): Promise<OrderAnswer>;
  /**
   * What became of an order that was meant to be placed: asked for until it is known, which is the latest shortly after
   * `validUntilUs`, or until the venue was out of reach for too long.
   */
  settle(order: MeantOrder, signal?: AbortSignal): Promise<OrderAnswer>;
  /**
   * Cancels an order that was accepted. `accepted` holds it as it ended, which may be after fills that came first;
   * `rejected` with `NOT_OPEN` where it had ended by itself.
   */
  cancel(order: OrderKey, signal?: AbortSignal): Promise<OrderAnswer>;
  /** An order as it stands; undefined where the venue knows none (yet). Throws as {@link openOrders} does. */
  order(order: OrderKey, signal?: AbortSignal): Promise<VenueOrder | undefined>;
  /**
   * Orders that are open, of all symbols where none is given. Throws EXCHANGE_UNREACHABLE, EXCHANGE_REFUSED,
   * RATE_LIMITED, OVERLOADED.
   */
  openOrders(symbol?: string, signal?: AbortSignal): Promise<VenueOrder[]>;
  /** Fills with ids from `fromId` on, or the newest where it is left out; ids ascending, at most `limit` (≤ 1,000). Throws as {@link openOrders} does. */
  fills(request: FillRequest, signal?: AbortSignal): Promise<VenueFill[]>;
  /** What the account has of each asset, without those it has nothing of. Throws as {@link openOrders} does. */
  balances(signal?: AbortSignal): Promise<VenueBalance[]>;
  /** Ends what is under way. */
  close(): void;
}

export interface OrderKey {
  symbol: string;
  clientOrderId: string;
}

/** All that is needed to learn what became of an order. */
export interface MeantOrder extends OrderKey {
  /** The venue takes the order until then, and not after. */
  validUntilUs: number;
}

export type VenueTimeInForce = 'GTC' | 'IOC' | 'FOK';

/** `limit_maker` never takes; the stop orders wait until the last price reaches `stopPrice`. */
export type VenueOrderTerms =
  | { type: 'market' }
  | { type: 'limit'; price: string; timeInForce: VenueTimeInForce }
  | { type: 'limit_maker'; price: string }
  | { type: 'stop_loss'; stopPrice: string }
  | { type: 'stop_limit'; stopPrice: string; price: string; timeInForce: VenueTimeInForce };

export type VenueOrderRequest = MeantOrder &
  VenueOrderTerms & {
    side: 'buy' | 'sell';
    /** Of the base asset. */
    quantity: string;
  };

/** The end of a question about an order. */
export type OrderAnswer =
  | { kind: 'accepted'; order: VenueOrder }
  | { kind: 'rejected'; code: VenueRejectCode; message: string; venueCode?: number }
  | { kind: 'unknown'; reason: string };

export type VenueRejectCode =
  /** The venue did not take it in time, and will not. */
  | 'NOT_TAKEN'
  | 'NOT_OPEN'
  | 'INSUFFICIENT_BALANCE'
  | 'POST_ONLY_WOULD_TAKE'
  | 'STOP_PRICE_REACHED'
  | 'MARKET_CLOSED'
  | 'UNKNOWN_SYMBOL'
  /** Tick, lot, notional or precision. */
  | 'SYMBOL_RULE'
  | 'RATE_LIMITED'
  /** The key, its signature or its rights. */
  | 'KEY_REFUSED'
  | 'CLOCK'
  | 'OTHER';

export type VenueOrderStatus = 'open' | 'partially_filled' | 'filled' | 'canceled' | 'expired' | 'rejected';

export interface VenueOrder extends OrderKey {
  venueOrderId: number;
  side: 'buy' | 'sell';
  /** As the venue words it. */
  type: string;
  status: VenueOrderStatus;
  quantity: string;
  filledQuantity: string;
  /** Quote paid or received so far, without fees. */
  filledQuote: string;
}

/** What makes a fill one is its id in its symbol. */
export interface VenueFill {
  symbol: string;
  id: number;
  venueOrderId: number;
  side: 'buy' | 'sell';
  liquidity: 'maker' | 'taker';
  price: string;
  quantity: string;
  quote: string;
  fee: string;
  feeAsset: string;
  timeUs: number;
}

export interface FillRequest {
  symbol: string;
  fromId?: number;
  limit?: number;
}

export interface VenueBalance {
  asset: string;
  free: string;
  /** Held by open orders. */
  locked: string;
}
