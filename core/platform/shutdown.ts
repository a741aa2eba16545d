import { setTimeout as sleep } from 'node:timers/promises';
import { TicklakeError } from './errors.ts';
import type { Logger } from './logging.ts';

/** A step of ending a program. */
export interface Phase {
  name: string;
  timeoutMs: number;
  run: () => Promise<void>;
}

/**
 * Runs the phases one after another. One that fails or takes too long is logged and left behind, so that it keeps no
 * later one from its work. Resolves to the names of those.
 */
export async function shutDown(phases: readonly Phase[], logger: Logger): Promise<string[]> {
  const left: string[] = [];
  for (const { name, timeoutMs, run } of phases) {
    const done = new AbortController();
    try {
      await Promise.race([run(), late(name, timeoutMs, done.signal)]);
    } catch (error) {
      left.push(name);
      logger.warn({ err: error, phase: name }, 'a phase of the shutdown did not end well');
    } finally {
      done.abort();
    }
  }
  return left;
}

async function late(name: string, timeoutMs: number, done: AbortSignal): Promise<never> {
  await sleep(timeoutMs, undefined, { signal: done }).catch(() => new Promise<never>(() => undefined));
  throw new TicklakeError('TIMEOUT', `${name} took longer than ${timeoutMs} ms`);
}
