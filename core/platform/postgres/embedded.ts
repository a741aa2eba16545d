import { spawn } from 'node:child_process';
import { mkdirSync, openSync, closeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { TicklakeError, toTicklakeError, type ErrorCode } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import { keeperSocket } from './keeper-socket.ts';
import { readState, socketUrl, tcpUrl, type DatabaseRole } from './server.ts';

export interface EmbeddedPostgres {
  /** URL by the Unix socket, for this program. */
  urlFor(role: DatabaseRole): string;
  /** URL by TCP on 127.0.0.1, for foreign engines. */
  tcpUrlFor(role: DatabaseRole): string;
  /** Lets go; the server stops when no command holds it any more. */
  release(): void;
}

const acquireTimeoutMs = 90_000;
const retryMs = 100;

/**
 * The data dir's Postgres, started where it does not run. Any number of commands share it; it stops soon after the
 * last has let go or died. While held it is kept alive: whoever dies, server or keeper, is started again.
 */
export async function acquirePostgres(dataDir: string, logger: Logger): Promise<EmbeddedPostgres> {
  let released = false;
  let socket = await visitKeeper(dataDir, logger);
  const watch = (visited: Socket): void => {
    visited.once('close', () => {
      if (released) return;
      logger.warn('the keeper of the embedded Postgres is gone; another is started');
      void revisit();
    });
  };
  const revisit = async (): Promise<void> => {
    while (!released) {
      try {
        socket = await visitKeeper(dataDir, logger);
        watch(socket);
        return;
      } catch (error) {
        logger.error({ err: error }, 'the embedded Postgres could not be started again');
        await sleep(1_000);
      }
    }
  };
  watch(socket);
  const state = await readState(dataDir);
  if (state === undefined) throw new TicklakeError('INTERNAL', `${dataDir} has no state of its Postgres`);
  return {
    urlFor: (role) => socketUrl(state, role),
    tcpUrlFor: (role) => tcpUrl(state, role),
    release() {
      released = true;
      socket.destroy();
    },
  };
}

async function visitKeeper(dataDir: string, logger: Logger): Promise<Socket> {
  const deadline = Date.now() + acquireTimeoutMs;
  let startedAt = 0;
  while (Date.now() < deadline) {
    const socket = await tryConnect(keeperSocket(dataDir));
    if (socket !== undefined) {
      const answered = await answerOf(socket, deadline);
      if (answered) return socket;
    } else if (Date.now() - startedAt > 5_000) {
      startedAt = Date.now();
      startKeeper(dataDir);
      logger.debug({ dataDir }, 'starting the embedded Postgres');
    }
    await sleep(retryMs);
  }
  throw new TicklakeError(
    'DATABASE_UNREACHABLE',
    `the embedded Postgres of ${dataDir} did not start in time`,
    {
      remedy: 'logs/keeper.log and logs/postgres.log in the data dir say why.',
    },
  );
}

/** True once the keeper says `ready`; false when it went away; throws what it says it failed on. */
async function answerOf(socket: Socket, deadline: number): Promise<boolean> {
  socket.setEncoding('utf8');
  return await new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => socket.destroy(), Math.max(0, deadline - Date.now()));
    socket.on('data', (chunk: Buffer | string) => {
      text += String(chunk);
      for (const line of text.split('\n').slice(0, -1)) {
        if (line === 'ready') {
          clearTimeout(timer);
          resolve(true);
        } else if (line.startsWith('failed ')) {
          const failure = JSON.parse(line.slice('failed '.length)) as {
            code: ErrorCode;
            message: string;
            remedy?: string;
          };
          clearTimeout(timer);
          reject(
            new TicklakeError(
              failure.code,
              failure.message,
              failure.remedy === undefined ? {} : { remedy: failure.remedy },
            ),
          );
        }
      }
      text = text.slice(text.lastIndexOf('\n') + 1);
    });
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}

async function tryConnect(path: string): Promise<Socket | undefined> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.on('error', () => resolve(undefined));
  });
}

/** In a session of its own, so that it outlives the command that happened to be first. */
function startKeeper(dataDir: string): void {
  try {
    mkdirSync(join(dataDir, 'logs'), { recursive: true });
    const logFile = openSync(join(dataDir, 'logs', 'keeper.log'), 'a');
    spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        fileURLToPath(new URL('./keeper.ts', import.meta.url)),
        dataDir,
      ],
      { detached: true, stdio: ['ignore', logFile, logFile], cwd: '/' },
    ).unref();
    closeSync(logFile);
  } catch (error) {
    throw toTicklakeError(error);
  }
}
