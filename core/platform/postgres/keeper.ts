/**
 * The process that keeps a data dir's Postgres: `node keeper.ts DATA_DIR`. Commands hold a connection to its Unix
 * socket; the kernel closes it when they die, however they die. A server that dies is started again; when no
 * command has been there for a second, the server is stopped and this process ends.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { toTicklakeError } from '#core/platform/errors.ts';
import { createLogger } from '#core/platform/logging.ts';
import { keeperSocket } from './keeper-socket.ts';
import { migrate } from './migrate.ts';
import { grantLogins, startServer, stopServer, tcpUrl } from './server.ts';

const lingerMs = 1_000;
/** A keeper nobody ever came to ends after this long. */
const firstVisitMs = 30_000;
const restartsPerMinuteMax = 30;

/** Open as long as this process lives: closing it, or losing it to the collector, would free the lock. */
const held: DatabaseSync[] = [];

const dataDir = process.argv[2];
if (dataDir === undefined) throw new Error('usage: keeper.ts DATA_DIR');
await keep(dataDir);

async function keep(dir: string): Promise<void> {
  await mkdir(join(dir, 'logs'), { recursive: true });
  const logger = createLogger({ level: 'info', name: 'keeper' });
  if (!lockDirectory(dir)) return;
  // Ctrl-C in a terminal goes to the whole group; the commands decide when the server goes.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);

  const sockets = new Set<Socket>();
  let visited = false;
  let answer: string | undefined;
  const tell = (socket: Socket): void => {
    if (answer !== undefined) socket.write(`${answer}\n`);
  };
  const server = createServer((socket) => {
    visited = true;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    tell(socket);
  });
  const path = keeperSocket(dir);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await rm(path, { force: true });
  server.listen(path);
  await once(server, 'listening');

  let child: ChildProcess | undefined;
  const say = (text: string): void => {
    answer = text;
    for (const socket of sockets) tell(socket);
  };
  const starts: number[] = [];
  let leaving = false;

  async function start(): Promise<void> {
    starts.push(Date.now());
    const started = await startServer(dir);
    child = started.child;
    await migrate(tcpUrl(started.state, 'owner'), logger);
    await grantLogins(started.state);
    child.once('exit', (code, signal) => {
      if (leaving) return;
      logger.warn({ code, signal }, 'Postgres died and is started again');
      answer = undefined;
      void restart();
    });
    say('ready');
  }

  async function restart(): Promise<void> {
    while (!leaving) {
      const recent = starts.filter((at) => Date.now() - at < 60_000).length;
      if (recent >= restartsPerMinuteMax) await sleep(5_000);
      try {
        await start();
        return;
      } catch (error) {
        logger.error({ err: error }, 'Postgres does not start');
        await sleep(500);
      }
    }
  }

  try {
    await start();
  } catch (error) {
    const { code, message, remedy } = toTicklakeError(error);
    logger.error({ err: error }, 'Postgres does not start');
    say(`failed ${JSON.stringify({ code, message, remedy })}`);
    await sleep(lingerMs);
    if (child !== undefined) await stopServer(child);
    process.exit(1);
  }

  const bornAt = Date.now();
  let emptySince = Date.now();
  for (;;) {
    await sleep(100);
    if (sockets.size > 0) emptySince = Date.now();
    const patience = visited ? lingerMs : firstVisitMs - (Date.now() - bornAt) + lingerMs;
    if (sockets.size === 0 && Date.now() - emptySince > patience) break;
  }
  leaving = true;
  server.close();
  await rm(path, { force: true });
  if (child !== undefined) await stopServer(child);
  process.exit(0);
}

/** One keeper for a data dir: the kernel frees SQLite's file lock when its holder dies. */
function lockDirectory(dir: string): boolean {
  const lock = new DatabaseSync(join(dir, 'keeper.lock'));
  try {
    lock.exec('begin exclusive');
    held.push(lock);
    return true;
  } catch {
    lock.close();
    return false;
  }
}
