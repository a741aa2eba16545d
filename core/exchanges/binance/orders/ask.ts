import { setTimeout as sleep } from 'node:timers/promises';
import type { MeantOrder, OrderAnswer, OrderKey, VenueOrder } from '#core/exchanges/order-venue.ts';
import { backOffMs } from '#core/platform/back-off.ts';
import { isTicklakeError, messageOf } from '#core/platform/errors.ts';
import { rejected } from './rejections.ts';

export interface AskOptions {
  /** The venue's time, asked for at each call: what it says was so no later than now. */
  venueTimeUs: (signal?: AbortSignal) => Promise<number>;
  /** The order as the venue knows it; throws where it does not answer. */
  find: (key: OrderKey, signal?: AbortSignal) => Promise<VenueOrder | undefined>;
  /** How long after an order's time is over the venue may still not show that it took it. */
  lagMs: number;
  /** For how long a venue that does not answer is asked, beyond an order's time. */
  patienceMs: number;
}

/** The venue's longest receive window, and then some: an order's time that is further off is not waited for. */
const longestMs = 70_000;
const pause = { firstMs: 100, maxMs: 2_000 };

/**
 * What became of an order, asked for until it is known. That the venue does not know it counts only where the venue's
 * own clock was past the order's time, and its lag, before the question: by then nothing on its way can be taken.
 */
export async function askUntilKnown(
  order: MeantOrder,
  { venueTimeUs, find, lagMs, patienceMs }: AskOptions,
  signal?: AbortSignal,
): Promise<OrderAnswer> {
  const finalUs = order.validUntilUs + lagMs * 1000;
  const startedMs = performance.now();
  let endMs = startedMs + patienceMs;
  let reason = 'it was not asked for';
  for (let attempt = 1; ; attempt++) {
    let waitMs = backOffMs(attempt, pause);
    try {
      const askedUs = await venueTimeUs(signal);
      const found = await find(order, signal);
      if (found?.status === 'rejected') return rejected('OTHER', 'the exchange did not take it');
      if (found !== undefined) return { kind: 'accepted', order: found };
      if (askedUs > finalUs) return rejected('NOT_TAKEN', 'the exchange did not get it in time');
      reason = 'the exchange does not know it yet';
      const leftMs = Math.ceil((finalUs - askedUs) / 1000);
      waitMs = Math.min(waitMs, leftMs + 1);
      endMs = Math.min(startedMs + longestMs, performance.now() + leftMs) + patienceMs;
    } catch (error) {
      reason = messageOf(error);
      if (signal?.aborted === true || isFutile(error)) break;
    }
    if (performance.now() + waitMs > endMs) break;
    try {
      await sleep(waitMs, undefined, { signal });
    } catch {
      break;
    }
  }
  return { kind: 'unknown', reason };
}

/** The key is refused, or the connection was closed. */
function isFutile(error: unknown): boolean {
  return isTicklakeError(error, 'EXCHANGE_REFUSED') || isTicklakeError(error, 'UNAVAILABLE');
}
