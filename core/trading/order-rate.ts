import type { OrderRate } from './portfolio.ts';

const minuteUs = 60_000_000;

export const noOrders: OrderRate = { minute: 0, count: 0, countBefore: 0 };

/** With an order that was accepted at a time of the wall clock. */
export function afterOrder(rate: OrderRate, atUs: number): OrderRate {
  const { minute, count, countBefore } = rateAt(rate, atUs);
  return { minute, count: count + 1, countBefore };
}

/** The orders accepted in the minute up to a time: those of the minute before count by the share still in reach. */
export function ordersInMinute(rate: OrderRate, atUs: number): number {
  const { count, countBefore } = rateAt(rate, atUs);
  const shareBefore = 1 - (atUs % minuteUs) / minuteUs;
  return count + Math.floor(countBefore * shareBefore);
}

/** A clock that was set back stays in the newest minute. */
function rateAt(rate: OrderRate, atUs: number): OrderRate {
  const minute = Math.max(Math.floor(atUs / minuteUs), rate.minute);
  if (minute === rate.minute) return rate;
  return { minute, count: 0, countBefore: minute === rate.minute + 1 ? rate.count : 0 };
}
