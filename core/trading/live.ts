import { isOver } from './open-orders.ts';
import type { FillStep } from './fill.ts';
import type { Order, RejectCode } from './order.ts';

/** What is known of an order at the venue. */
export type LiveStep =
  /** It is about to be sent; the venue takes it until then, and not after. */
  | { kind: 'send_order'; orderId: string; validUntilUs: number }
  | { kind: 'confirm_order'; orderId: string; venueOrderId: number }
  | { kind: 'refuse_order'; orderId: string; code: RejectCode; detail: string }
  | ({ kind: 'book_fill' } & LiveFill)
  /** The venue says that it is over, with so much filled. */
  | { kind: 'end_order'; orderId: string; as: 'canceled' | 'expired'; filledQuantity: FillStep['quantity'] };

/** A fill with the fee that the venue took, in the asset that it took it in. */
export interface LiveFill extends Pick<
  FillStep,
  'orderId' | 'quantity' | 'price' | 'liquidity' | 'marketTimeUs'
> {
  /** Of the fill, by the venue. */
  fillId: number;
  fee: FillStep['quantity'];
  feeAsset: string;
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

/**
 * What a live order needs next. `send`: it was never sent. `settle`: it was, or its process died just before, and what
 * became of it has to be asked for. `cancel`: the venue is to end it. `watch`: its fills and its end are the venue's.
 */
export type Need = 'send' | 'settle' | 'cancel' | 'watch';

/** Pure. Undefined for an order that is over, or on paper. */
export function needOf(order: Order): Need | undefined {
  const { live } = order;
  if (live === undefined || isOver(order)) return undefined;
  if (live.validUntilUs === undefined) return 'send';
  if (live.venueOrderId === undefined) return 'settle';
  return live.cancel === undefined ? 'watch' : 'cancel';
}
