import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderAnswer, OrderKey, VenueOrder, VenueOrderStatus } from '#core/exchanges/order-venue.ts';
import { backOffMs } from '#core/platform/back-off.ts';
import { messageOf } from '#core/platform/errors.ts';
import { rejected, rejectionOf } from './rejections.ts';
import type { SignedAnswer } from './signed-client.ts';

export interface CancelOptions {
  /** Asks the venue once to cancel an order. */
  cancel: (key: OrderKey, signal?: AbortSignal) => Promise<SignedAnswer<VenueOrder>>;
  /** The order as the venue knows it; throws where it does not answer. */
  find: (key: OrderKey, signal?: AbortSignal) => Promise<VenueOrder | undefined>;
  /** For how long it is tried. */
  patienceMs: number;
}

const pause = { firstMs: 100, maxMs: 2_000 };
const notOpenCode = -2011;
const isForbidden = (status: number) => status === 429 || status === 418;
const isOpen = (status: VenueOrderStatus) => status === 'open' || status === 'partially_filled';

/**
 * Cancels until it is known how the order ended. A cancel may be sent twice: the second finds nothing open, and the order
 * itself then tells whether the first one ended it.
 */
export async function cancelUntilKnown(
  key: OrderKey,
  { cancel, find, patienceMs }: CancelOptions,
  signal?: AbortSignal,
): Promise<OrderAnswer> {
  const endMs = performance.now() + patienceMs;
  let reason = '';
  for (let attempt = 1; ; attempt++) {
    const answer = await cancel(key, signal);
    if (answer.kind === 'answered') return { kind: 'accepted', order: answer.body };
    if (answer.kind === 'refused' && answer.code !== notOpenCode && !isForbidden(answer.status))
      return rejectionOf(answer);
    reason = reasonOf(answer);
    if (answer.kind === 'not_sent' && answer.error.code === 'UNAVAILABLE') return { kind: 'unknown', reason };
    if (answer.kind === 'refused' && answer.code === notOpenCode) {
      try {
        const order = await find(key, signal);
        if (order?.status === 'canceled') return { kind: 'accepted', order };
        if (order === undefined || !isOpen(order.status))
          return rejected('NOT_OPEN', ended(order), notOpenCode);
      } catch (error) {
        reason = messageOf(error);
      }
    }
    const waitMs = backOffMs(attempt, pause);
    if (signal?.aborted === true || performance.now() + waitMs > endMs) return { kind: 'unknown', reason };
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

function reasonOf(answer: Exclude<SignedAnswer<unknown>, { kind: 'answered' }>): string {
  if (answer.kind === 'unknown') return answer.reason;
  return answer.kind === 'refused' ? answer.message : answer.error.message;
}

function ended(order: VenueOrder | undefined): string {
  return order === undefined ? 'the exchange knows no such order' : `the order is ${order.status} already`;
}
