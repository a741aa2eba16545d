import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { stoppedError } from '../query-error.ts';
import type { SandboxQuery } from './messages.ts';
import {
  startSandbox,
  type QueryControl,
  type SandboxLimits,
  type SandboxProcess,
  type SandboxResult,
} from './process.ts';

/** Runs queries of strangers, each in a process that is killed after it, so that what one does harms no other. */
export interface Sandboxes {
  /**
   * Waits for its turn and runs a query. Its answer is whole, or there is an error.
   * @throws QUERY_INVALID, QUERY_OVER_LIMIT, QUERY_CANCELED, FORBIDDEN, OVERLOADED when too many wait already
   */
  run(query: Omit<SandboxQuery, 'file'>, control: SandboxControl): Promise<SandboxAnswer>;
  /** Ends what runs. */
  close(): Promise<void>;
}

export interface SandboxControl extends QueryControl {
  /** Called when it is its turn. */
  onBegin?: (() => void) | undefined;
}

export interface SandboxAnswer extends Omit<SandboxResult, 'type'> {
  milliseconds: number;
  /** The file with the answer. */
  file: string;
  /** Removes it. */
  discard(): Promise<void>;
}

export interface SandboxOptions {
  /** A folder for answers, and for DuckDB to spill to. */
  folder: string;
  limits: SandboxLimits;
  /** How many run at once. */
  concurrency: number;
  logger: Logger;
  metrics: Metrics;
}

const waitingMax = 32;
/** A process that waits for the next query spares it the start, and is let go when there is none. */
const spareMs = 60_000;

export function openSandboxes(options: SandboxOptions): Sandboxes {
  const { folder, limits, concurrency, logger, metrics } = options;
  const turns = bulkhead(concurrency, waitingMax);
  const alive = new Set<SandboxProcess>();
  let spare: Promise<SandboxProcess> | undefined;
  let spareTimer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const waiting = metrics.gauge('ticklake_query_waiting', 'Queries waiting for their turn');
  const running = metrics.gauge('ticklake_query_running', 'Queries under way, each in a process of its own');
  const seconds = metrics.histogram('ticklake_query_seconds', 'Queries by how they ended', ['outcome']);
  const memory = metrics.histogram(
    'ticklake_query_memory_bytes',
    'Most memory that a query took',
    [],
    [64, 128, 256, 512, 1024, 2048, 4096].map((mb) => mb * 1024 * 1024),
  );
  const showTurns = (): void => {
    waiting.set(waitingMax - turns.queueSlots);
    running.set(concurrency - turns.executionSlots);
  };

  return {
    async run(query, control) {
      let hasBegun = false;
      const turn = turns.execute(async () => {
        hasBegun = true;
        showTurns();
        if (control.signal?.aborted === true) throw stoppedError('canceled', limits);
        control.onBegin?.();
        return await inTurn(query, control);
      });
      // Who is stopped before is told at once, and their turn comes to nothing.
      const canceled = new Promise<never>((_resolve, reject) => {
        control.signal?.addEventListener('abort', () => {
          if (!hasBegun) reject(stoppedError('canceled', limits));
        });
      });
      try {
        return await Promise.race([turn, canceled]);
      } catch (error) {
        if (isBulkheadRejectedError(error)) throw tooMany();
        throw error;
      } finally {
        showTurns();
      }
    },
    async close() {
      isClosed = true;
      await dropSpare();
      await Promise.all([...alive].map(async (one) => await one.discard('closed')));
    },
  };

  async function inTurn(query: Omit<SandboxQuery, 'file'>, control: QueryControl): Promise<SandboxAnswer> {
    if (isClosed) throw stoppedError('closed', limits);
    const started = performance.now();
    const sandbox = await takeSpare();
    keepSpare();
    try {
      const { rows, bytes, truncated, snapshots, memoryBytesMax } = await sandbox.run(query, control);
      memory.observe(memoryBytesMax);
      observe('done', started);
      return {
        ...{ rows, bytes, truncated, snapshots, memoryBytesMax, file: sandbox.file },
        milliseconds: Math.round(performance.now() - started),
        discard: () => discard(sandbox),
      };
    } catch (error) {
      observe(isTicklakeError(error) ? error.code : 'INTERNAL', started);
      await discard(sandbox);
      throw error;
    }
  }

  function observe(outcome: string, started: number): void {
    seconds.observe({ outcome }, (performance.now() - started) / 1_000);
  }

  async function discard(sandbox: SandboxProcess): Promise<void> {
    alive.delete(sandbox);
    await sandbox.discard('closed');
  }

  async function takeSpare(): Promise<SandboxProcess> {
    const taken = spare;
    spare = undefined;
    const kept = await taken?.catch(() => undefined);
    if (kept?.isRunning() === true) return await whenReady(kept);
    if (kept !== undefined) await discard(kept);
    return await whenReady(await start());
  }

  async function whenReady(sandbox: SandboxProcess): Promise<SandboxProcess> {
    try {
      await sandbox.ready;
      return sandbox;
    } catch (error) {
      await discard(sandbox);
      throw error;
    }
  }

  async function start(): Promise<SandboxProcess> {
    const sandbox = await startSandbox(join(folder, randomUUID()), limits);
    alive.add(sandbox);
    if (isClosed) await discard(sandbox);
    return sandbox;
  }

  function keepSpare(): void {
    if (isClosed) return;
    spare ??= start();
    spare.catch((error: unknown) => {
      spare = undefined;
      logger.warn({ err: error }, 'no process could be started for the next query');
    });
    clearTimeout(spareTimer);
    spareTimer = setTimeout(() => void dropSpare(), spareMs).unref();
  }

  async function dropSpare(): Promise<void> {
    clearTimeout(spareTimer);
    const dropped = spare;
    spare = undefined;
    await dropped?.then(discard).catch((error: unknown) => {
      logger.warn({ err: error }, 'the process for the next query did not end');
    });
  }
}

function tooMany(): TicklakeError {
  return new TicklakeError('OVERLOADED', `${waitingMax} queries wait already`, {
    remedy: 'Ask again in a few seconds.',
  });
}
