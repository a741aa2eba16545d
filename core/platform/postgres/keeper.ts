/**
 * The process that keeps a data dir's Postgres: `node keeper.ts DATA_DIR`. Commands hold a connection to its Unix
 * socket. A server that dies is started again; when no command has been there for a second, the server is stopped
 * and this process ends.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import { createLogger, type Logger } from '#core/platform/logging.ts';
import { openDoor, type Door } from './keeper-door.ts';
import { lockDirectory } from './keeper-lock.ts';
import { keeperSocket } from './keeper-socket.ts';
import { grantLogins } from './logins.ts';
import { migrate } from './migrate.ts';
import { startServer, type RunningServer } from './server.ts';
import { tcpUrl } from './state.ts';

const lingerMs = 1_000;
/** A keeper nobody ever came to ends after this long. */
const firstVisitMs = 30_000;
/** What an earlier server left behind can be in the way of the first start for so long. */
const firstStartMs = 10_000;
const restartMs = 500;
const restartsPerMinuteMax = 30;

const dataDir = process.argv[2];
if (dataDir === undefined) throw new Error('usage: keeper.ts DATA_DIR');
if (lockDirectory(dataDir)) process.exit(await keep(dataDir));

async function keep(dir: string): Promise<number> {
  const logger = createLogger({ level: 'info', name: 'keeper' });
  const leaving = new AbortController();
  // Ctrl-C in a terminal goes to the whole group; the commands decide when the server goes.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  process.on('SIGTERM', () => leaving.abort());
  const door = await openDoor(await keeperSocket(dir));
  try {
    const server = await startFirst(dir, logger);
    door.say('ready');
    const kept = keepRunning(dir, server, door, leaving.signal, logger);
    await untilForsaken(door, leaving.signal);
    leaving.abort();
    await Promise.all([kept, door.close()]);
    return 0;
  } catch (error) {
    const { code, message, remedy } = toTicklakeError(error);
    logger.error({ err: error }, 'Postgres does not start');
    door.say(`failed ${JSON.stringify({ code, message, remedy })}`);
    // Whoever asked hears it; the next one asks anew.
    for (let waited = 0; waited < lingerMs && !door.visited(); waited += 50) await sleep(50);
    await door.close();
    return 1;
  }
}

/** A server with this version's tables and rights. */
async function start(dir: string, logger: Logger): Promise<RunningServer> {
  const server = await startServer(dir);
  try {
    await migrate(tcpUrl(server.state, 'owner'), logger);
    await grantLogins(server.state);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Processes of a server that was killed hold on to its memory for a moment, and another cannot start meanwhile. */
async function startFirst(dir: string, logger: Logger): Promise<RunningServer> {
  const deadline = Date.now() + firstStartMs;
  for (;;) {
    try {
      return await start(dir, logger);
    } catch (error) {
      if (Date.now() > deadline || !isTicklakeError(error, 'DATABASE_UNREACHABLE')) throw error;
      logger.warn({ err: error }, 'Postgres did not start and is tried again');
      await sleep(restartMs);
    }
  }
}

/** Starts the server again whenever it ends, until `leaving`; then it is stopped. */
async function keepRunning(
  dir: string,
  first: RunningServer,
  door: Door,
  leaving: AbortSignal,
  logger: Logger,
): Promise<void> {
  const left = leaving.aborted ? Promise.resolve() : once(leaving, 'abort');
  const starts: number[] = [];
  let server: RunningServer | undefined = first;
  while (!leaving.aborted) {
    if (server !== undefined) {
      await Promise.race([server.ended, left]);
      if (leaving.aborted) break;
      door.say(undefined);
      logger.warn('Postgres died and is started again');
    }
    const recent = starts.filter((at) => Date.now() - at < 60_000).length;
    if (recent >= restartsPerMinuteMax) await sleep(5_000);
    starts.push(Date.now());
    try {
      server = await start(dir, logger);
      door.say('ready');
    } catch (error) {
      server = undefined;
      logger.error({ err: error }, 'Postgres does not start');
      await sleep(restartMs);
    }
  }
  await server?.stop();
}

async function untilForsaken(door: Door, leaving: AbortSignal): Promise<void> {
  const bornAt = Date.now();
  let emptySince = Date.now();
  while (!leaving.aborted) {
    await sleep(100);
    if (door.visitors() > 0) emptySince = Date.now();
    const patience = door.visited() ? lingerMs : firstVisitMs - (Date.now() - bornAt) + lingerMs;
    if (Date.now() - emptySince > patience) return;
  }
}
