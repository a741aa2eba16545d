import type { Allowance } from '#api/client/index.ts';

/** Of the limit: what regular readings leave for what a person does. */
const kept = 0.3;
/** Of what is left beyond that: what one of several readings may use up. */
const share = 0.5;

/** Pause before the next round of so many requests, so that those left last until there are more again. */
export function pacedMs(
  everyMs: number,
  requests: number,
  allowance: Allowance | undefined,
  nowMs: number,
): number {
  const leftMs = allowance === undefined ? 0 : allowance.resetAtMs - nowMs;
  if (allowance === undefined || leftMs <= 0) return everyMs;
  const spare = allowance.remaining - allowance.limit * kept;
  const rounds = Math.floor((spare * share) / requests);
  return Math.max(everyMs, leftMs / Math.max(1, rounds));
}
