import { setTimeout as sleep } from 'node:timers/promises';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { showRun, type RunView } from './views.ts';

export interface FollowOptions {
  signal: AbortSignal;
  /** Pause between looks; default 500 ms. */
  pollMs?: number;
}

/**
 * The run as it is, then each time that it has changed, until it has ended or the signal is aborted. The last view of
 * a run that ends is always given.
 * @throws NOT_FOUND
 */
export async function* followRun(
  database: Transaction,
  runId: string,
  options: FollowOptions,
): AsyncGenerator<RunView, void> {
  let last = '';
  while (!options.signal.aborted) {
    const run = await showRun(database, runId);
    // The time left changes at every look; alone it is no news.
    const shown = JSON.stringify({ ...run, secondsLeft: null });
    if (shown !== last) yield run;
    if (hasEnded(run)) return;
    last = shown;
    await sleep(options.pollMs ?? 500, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/**
 * The run when it has ended, or as it is when the time is over or the signal is aborted: its state says which.
 * @throws NOT_FOUND
 */
export async function waitForRun(
  database: Transaction,
  runId: string,
  options: { timeoutMs: number; signal?: AbortSignal; pollMs?: number },
): Promise<RunView> {
  const signals = [
    AbortSignal.timeout(options.timeoutMs),
    ...(options.signal === undefined ? [] : [options.signal]),
  ];
  const signal = AbortSignal.any(signals);
  let run = await showRun(database, runId);
  while (!hasEnded(run) && !signal.aborted) {
    await sleep(options.pollMs ?? 250, undefined, { signal }).catch(() => undefined);
    run = await showRun(database, runId);
  }
  return run;
}

export function hasEnded(run: Pick<RunView, 'state'>): boolean {
  return run.state !== 'waiting' && run.state !== 'running';
}
