const rebaseEveryMs = 1000;

/**
 * Our clock at receipt, decimal text of nanoseconds with a resolution of microseconds. The monotonic clock gives
 * the microseconds; once a second it is set to the wall clock again, so that it follows corrections of that.
 */
export function createReceiptClock(): () => string {
  let wallMs = Date.now();
  let monotonicMs = performance.now();
  return () => {
    const now = performance.now();
    if (now - monotonicMs >= rebaseEveryMs) {
      wallMs = Date.now();
      monotonicMs = now;
    }
    return `${Math.floor((wallMs + (now - monotonicMs)) * 1000)}000`;
  };
}
