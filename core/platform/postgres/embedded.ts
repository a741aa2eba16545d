import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf, TicklakeError, toTicklakeError, type ErrorCode } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import { keeperSocket } from './keeper-socket.ts';
import { readState, socketUrl, tcpUrl, type DatabaseRole } from './state.ts';

export interface EmbeddedPostgres {
  /** URL by the Unix socket, for this program; it stays good when the server is started again. */
  urlFor(role: DatabaseRole): string;
  /** URL by TCP on 127.0.0.1, for foreign engines. */
  tcpUrlFor(role: DatabaseRole): string;
  /** Lets go; the server stops when no command holds it any more. */
  release(): void;
}

const acquireTimeoutMs = 90_000;
const retryMs = 100;
/** The next keeper is started so long after one that found the data dir locked: the other was about to leave. */
const startAgainMs = 500;
const revisitMs = 1_000;

/**
 * The data dir's Postgres, started where it does not run. Any number of commands share it; it stops soon after the
 * last has let go or died. While held it is kept alive: whoever dies, server or keeper, is started again.
 * @throws CONFIG_INVALID when there can be no such folder, DISK_FULL, DATABASE_WRONG, DATABASE_UNREACHABLE
 */
export async function acquirePostgres(dataDir: string, logger: Logger): Promise<EmbeddedPostgres> {
  const dir = ensureDataDir(dataDir);
  const released = new AbortController();
  let socket = await visitKeeper(dir, logger, released.signal);
  const watch = (visited: Socket): void => {
    visited.once('close', () => {
      if (released.signal.aborted) return;
      logger.warn('the keeper of the embedded Postgres is gone; another is started');
      void revisit();
    });
  };
  const revisit = async (): Promise<void> => {
    while (!released.signal.aborted) {
      try {
        socket = await visitKeeper(dir, logger, released.signal);
      } catch (error) {
        if (released.signal.aborted) return;
        logger.error({ err: error }, 'the embedded Postgres could not be started again');
        await sleep(revisitMs);
        continue;
      }
      if (released.signal.aborted) socket.destroy();
      watch(socket);
      return;
    }
  };
  watch(socket);
  const state = await readState(dir);
  if (state === undefined) throw new TicklakeError('INTERNAL', `${dir} has no state of its Postgres`);
  return {
    urlFor: (role) => socketUrl(state, role),
    tcpUrlFor: (role) => tcpUrl(state, role),
    release() {
      released.abort();
      socket.destroy();
    },
  };
}

/** The folder under its one real name, so that whoever names it meets the same keeper. */
function ensureDataDir(dataDir: string): string {
  try {
    mkdirSync(join(dataDir, 'logs'), { recursive: true });
    return realpathSync(dataDir);
  } catch (error) {
    const known = toTicklakeError(error);
    if (known.code !== 'INTERNAL') throw known;
    throw new TicklakeError('CONFIG_INVALID', `the data dir ${dataDir} cannot be used: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Choose another --data-dir.',
    });
  }
}

async function visitKeeper(dataDir: string, logger: Logger, unwanted: AbortSignal): Promise<Socket> {
  const path = await keeperSocket(dataDir);
  const deadline = Date.now() + acquireTimeoutMs;
  let keeper: StartedKeeper | undefined;
  while (Date.now() < deadline && !unwanted.aborted) {
    const socket = await tryConnect(path);
    if (socket !== undefined) {
      if (await isReady(socket, deadline)) return socket;
    } else if (keeper === undefined || keeper.gone()) {
      keeper = startKeeper(dataDir);
      logger.debug({ dataDir }, 'starting the embedded Postgres');
    }
    if (keeper?.failed() === true) break;
    await sleep(retryMs);
  }
  throw new TicklakeError('DATABASE_UNREACHABLE', `the embedded Postgres of ${dataDir} did not start`, {
    remedy: 'logs/keeper.log and logs/postgres.log in the data dir say why.',
  });
}

/** True once the keeper says `ready`; false when it went away; throws what it says it failed on. */
async function isReady(socket: Socket, deadline: number): Promise<boolean> {
  socket.setEncoding('utf8');
  return await new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => socket.destroy(), Math.max(0, deadline - Date.now()));
    socket.on('data', (chunk: Buffer | string) => {
      const lines = `${text}${String(chunk)}`.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        clearTimeout(timer);
        if (line === 'ready') {
          resolve(true);
        } else {
          reject(failureOf(line));
          socket.destroy();
        }
      }
    });
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}

function failureOf(line: string): TicklakeError {
  const { code, message, remedy } = JSON.parse(line.replace(/^failed /, '')) as {
    code: ErrorCode;
    message: string;
    remedy?: string;
  };
  return new TicklakeError(code, message, remedy === undefined ? {} : { remedy });
}

async function tryConnect(path: string): Promise<Socket | undefined> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    // It stays: a keeper that is killed resets its connections, which must not end the command.
    socket.on('error', () => resolve(undefined));
  });
}

interface StartedKeeper {
  /** It ended, and another may be started: this one was killed, or found that there is one already. */
  gone(): boolean;
  /** It ended by an error that it could not tell. */
  failed(): boolean;
}

/** In a session of its own, so that it outlives the command that happened to be first. */
function startKeeper(dataDir: string): StartedKeeper {
  let endedAt: number | undefined;
  let failed = false;
  try {
    const logFile = openSync(join(dataDir, 'logs', 'keeper.log'), 'a');
    const program = fileURLToPath(new URL('./keeper.ts', import.meta.url));
    const keeper = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, dataDir], {
      detached: true,
      stdio: ['ignore', logFile, logFile],
      cwd: '/',
    });
    closeSync(logFile);
    keeper.once('exit', (code) => {
      endedAt = Date.now();
      failed = code !== null && code !== 0;
    });
    keeper.unref();
  } catch (error) {
    throw toTicklakeError(error);
  }
  return {
    gone: () => endedAt !== undefined && Date.now() - endedAt > startAgainMs,
    failed: () => failed,
  };
}
