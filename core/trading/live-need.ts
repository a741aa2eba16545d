import { isOver } from './open-orders.ts';
import type { Order } from './order.ts';

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
