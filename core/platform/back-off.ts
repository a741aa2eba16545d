import { setTimeout as sleep } from 'node:timers/promises';
import { toTicklakeError, type TicklakeError } from './errors.ts';

export interface BackOff {
  firstMs: number;
  maxMs: number;
}

/** Wait before the attempt after `failures` failed ones (1 or more): doubles, bounded; between half and all of it. */
export function backOffMs(failures: number, backOff: BackOff, random: () => number = Math.random): number {
  const full = Math.min(backOff.maxMs, backOff.firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(full / 2 + (full / 2) * random());
}

export interface Persistence {
  backOff: BackOff;
  /** Ends the trying, and cuts a wait short. */
  signal: AbortSignal;
  /** Told of each failure that is followed by another attempt. */
  onFailure(failure: TicklakeError, attempt: number, waitMs: number): void;
  /** Whether trying again can help; by default what an error says of itself. */
  canHelp?(failure: TicklakeError): boolean;
}

/** Does something until it succeeds. Throws what trying again cannot help, and once the signal is aborted any failure. */
export async function persist(work: () => Promise<void>, persistence: Persistence): Promise<void> {
  const { backOff, signal, onFailure, canHelp = ({ retryable }) => retryable } = persistence;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const failure = toTicklakeError(error);
      if (!canHelp(failure) || signal.aborted) throw failure;
      const waitMs = backOffMs(attempt, backOff);
      onFailure(failure, attempt, waitMs);
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
