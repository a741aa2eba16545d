import type { Decimal } from '#core/market/decimal.ts';
import type { RejectCode } from './order.ts';

/** What is known of an order at the venue. */
export type LiveStep =
  /** It is about to be sent; the venue takes it until then, and not after. */
  | { kind: 'send_order'; orderId: string; validUntilUs: number }
  | { kind: 'confirm_order'; orderId: string; venueOrderId: number }
  | { kind: 'refuse_order'; orderId: string; code: RejectCode; detail: string }
  | ({ kind: 'book_fill' } & LiveFill)
  /** The venue says that it is over, with so much filled. */
  | { kind: 'end_order'; orderId: string; as: 'canceled' | 'expired'; filledQuantity: Decimal };

/** A fill with the fee that the venue took, in the asset that it took it in. */
export interface LiveFill {
  orderId: string;
  /** Of the fill, by the venue. */
  fillId: number;
  quantity: Decimal;
  price: Decimal;
  fee: Decimal;
  feeAsset: string;
  liquidity: 'maker' | 'taker';
  marketTimeUs: number;
}

/** How the venue and the books differ where booking cannot make it good. */
export type DifferenceKind =
  /** An order or a fill of the account that was not placed from here. */
  | 'stranger_order'
  | 'stranger_fill'
  /** Fills do not add up to what the venue says was filled. */
  | 'fills_differ'
  /** The venue knows an order no longer that it had taken. */
  | 'order_missing'
  /** The venue could not be asked what became of an order. */
  | 'order_unknown'
  /** The account has less of an asset than the portfolio. */
  | 'balance_short';

export interface VenueDifference {
  kind: DifferenceKind;
  /** The same one has the same key, and is told once. */
  key: string;
  /** For people: what differs, with its figures. */
  cause: string;
}

/** Of these somebody has to know before anything more is placed. */
const halting: ReadonlySet<DifferenceKind> = new Set([
  ...(['stranger_order', 'stranger_fill', 'fills_differ', 'order_missing'] as const),
]);

export function isHalting({ kind }: VenueDifference): boolean {
  return halting.has(kind);
}
