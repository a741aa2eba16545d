import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { TicklakeError, type ErrorCode } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';

/** What a role says to the process that started it. */
export type RoleMessage =
  | { type: 'ready'; details: Record<string, string> }
  | { type: 'failed'; code: ErrorCode; message: string; remedy: string | undefined };

/** What that process says to a role: end, having drained if asked to. */
export interface StopMessage {
  type: 'stop';
  drain: boolean;
}

export interface SupervisedRole {
  readonly name: string;
  /** What the role said when it was first ready, such as its URL. */
  readonly details: Record<string, string>;
  readonly restarts: number;
  readonly pid: number | undefined;
  /** Ends the role; after `timeoutMs` it is killed. */
  stop(options: { drain: boolean; timeoutMs: number }): Promise<void>;
}

export interface SuperviseOptions {
  name: string;
  env: Record<string, string>;
  logger: Logger;
  readyTimeoutMs: number;
}

const restartMsMin = 100;
const restartMsMax = 2_000;
/** A role that ran this long before it died starts again at once. */
const settledMs = 10_000;

/**
 * Starts a role as a process of its own and keeps it running: a role that dies is started again, sooner the longer
 * it had run. Resolves when it is ready for the first time; a role that cannot start at all is an error.
 */
export async function supervise(options: SuperviseOptions): Promise<SupervisedRole> {
  const { name, logger } = options;
  const stopping = new AbortController();
  let restarts = 0;
  let child = start();
  logger.info({ role: name, rolePid: child.pid }, 'role started');
  const details = await ready(child);
  const ended = keepAlive();
  ended.catch((error: unknown) => logger.error({ err: error, role: name }, 'supervision ended'));

  return {
    name,
    details,
    get restarts() {
      return restarts;
    },
    get pid() {
      return child.pid;
    },
    async stop({ drain, timeoutMs }) {
      stopping.abort();
      const message: StopMessage = { type: 'stop', drain };
      if (child.connected) child.send(message);
      const killer = setTimeout(() => {
        logger.warn({ role: name, timeoutMs }, 'a role did not end in time and is killed');
        child.kill('SIGKILL');
      }, timeoutMs);
      await ended.catch(() => undefined);
      clearTimeout(killer);
    },
  };

  function start(): ChildProcess {
    return spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        fileURLToPath(new URL('./ticklake.js', import.meta.url)),
        'run',
        name,
      ],
      { env: { ...process.env, ...options.env }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
    );
  }

  async function ready(starting: ChildProcess): Promise<Record<string, string>> {
    const answer = await Promise.race([
      new Promise<RoleMessage>((resolve) =>
        starting.once('message', (message) => resolve(message as RoleMessage)),
      ),
      once(starting, 'exit').then(([code]) => unavailable(`ended with exit code ${String(code)}`)),
      sleep(options.readyTimeoutMs, undefined, { ref: false }).then(() =>
        unavailable(`was not ready after ${options.readyTimeoutMs} ms`),
      ),
    ]);
    if (answer.type === 'ready') return answer.details;
    starting.kill('SIGKILL');
    const { code, message, remedy } = answer;
    throw new TicklakeError(code, `role ${name}: ${message}`, remedy === undefined ? {} : { remedy });
  }

  function unavailable(message: string): RoleMessage {
    return { type: 'failed', code: 'UNAVAILABLE', message, remedy: 'The lines above, on stderr, say why.' };
  }

  async function keepAlive(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const startedAt = Date.now();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      if (stopping.signal.aborted) return;
      if (Date.now() - startedAt > settledMs) attempt = 0;
      restarts++;
      logger.warn(
        { role: name, code: child.exitCode, signal: child.signalCode },
        'a role died and is started again',
      );
      if (attempt > 0) {
        const waitMs = Math.min(restartMsMax, restartMsMin * 2 ** Math.min(attempt, 10));
        await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
      if (stopping.signal.aborted) return;
      child = start();
      logger.info({ role: name, rolePid: child.pid }, 'role started');
    }
  }
}
