import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, open, readFile, rename, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { messageOf, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import { assertPortFree, freePort } from '#core/platform/ports.ts';
import { findBinaries, isRoot, serverUid } from './binaries.ts';
import { endOrphan, ensureCluster, fatalLine, serverProcess } from './cluster.ts';
import { ensureLogins } from './logins.ts';
import { ensurePrivateFolder } from './private-folder.ts';
import { newState, readState, saveState, socketPort, tcpUrl, type ServerState } from './state.ts';

export interface ServerOptions {
  /** Extra settings, such as `fsync=off` for a server that a test throws away. */
  settings?: readonly string[];
}

export interface RunningServer {
  state: ServerState;
  child: ChildProcess;
  /** Resolves when the server has ended, for whatever reason. */
  ended: Promise<unknown>;
  stop(): Promise<void>;
}

const startTimeoutMs = 60_000;
const stopTimeoutMs = 20_000;
const settings = [
  'listen_addresses=127.0.0.1',
  'max_connections=100',
  'shared_buffers=128MB',
  'wal_compression=on',
  'max_wal_size=2GB',
  'checkpoint_timeout=15min',
  'log_min_messages=warning',
  'timezone=UTC',
  'tcp_keepalives_idle=10',
];

/**
 * Makes the cluster where it is missing and starts the server as a child of this process. An orphan that still
 * holds the cluster is ended first. Resolves when it answers.
 */
export async function startServer(dataDir: string, options: ServerOptions = {}): Promise<RunningServer> {
  const dir = resolve(dataDir);
  const binaries = await findBinaries();
  await mkdir(join(dir, 'logs'), { recursive: true }).catch((error: unknown) => {
    throw toTicklakeError(error);
  });
  const known = await readState(dir);
  const state = known ?? (await newState(dir));
  await prepareSocketDir(state.socketDir);
  const durable = options.settings?.includes('fsync=off') !== true;
  await ensureCluster(dir, known !== undefined, state, binaries, durable);
  await endOrphan(state.clusterDir);
  // Somebody may have taken the port since the last run.
  await assertPortFree(state.port).catch(async () => {
    state.port = await freePort();
  });
  await saveState(dir, state);
  await nameSocket(state);

  const logPath = join(dir, 'logs', 'postgres.log');
  const logFile = await open(logPath, 'a');
  const { size: logStart } = await logFile.stat();
  const arguments_ = [
    ...settings,
    `port=${state.port}`,
    `unix_socket_directories=${state.socketDir}`,
    ...(options.settings ?? []),
  ];
  const child = spawn(
    join(binaries, 'bin', 'postgres'),
    ['-D', state.clusterDir, ...arguments_.flatMap((setting) => ['-c', setting])],
    { stdio: ['ignore', logFile.fd, logFile.fd], ...serverProcess(binaries) },
  );
  const ended = once(child, 'exit');
  ended.catch(() => undefined);
  await logFile.close();
  try {
    await untilAnswers(state, child, async () =>
      fatalLine((await readFile(logPath)).subarray(logStart).toString()),
    );
    await ensureLogins(state);
  } catch (error) {
    await quitServer(child);
    throw error;
  }
  return { state, child, ended, stop: () => stopServer(child, state) };
}

/** Fast shutdown; a server that does not end in time is told to quit at once, which recovers at the next start. */
async function stopServer(child: ChildProcess, state: ServerState): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  const late = setTimeout(() => child.kill('SIGQUIT'), stopTimeoutMs);
  await ended;
  clearTimeout(late);
  await rm(state.socketDir, { recursive: true, force: true });
}

async function quitServer(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGQUIT');
  await ended;
}

async function prepareSocketDir(socketDir: string): Promise<void> {
  await ensurePrivateFolder(socketDir, [serverUid]);
  if (isRoot()) await chown(socketDir, serverUid, serverUid);
}

/** Gives the socket, which is named after the port, a name that stays when the port changes. */
async function nameSocket({ socketDir, port }: ServerState): Promise<void> {
  if (port === socketPort) return;
  const name = join(socketDir, `.s.PGSQL.${socketPort}`);
  const draft = `${name}.new`;
  await rm(draft, { force: true });
  await symlink(`.s.PGSQL.${port}`, draft);
  await rename(draft, name);
}

/** `reason` is what the server wrote into its log when it ended. */
async function untilAnswers(
  state: ServerState,
  child: ChildProcess,
  reason: () => Promise<string | undefined>,
): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  let last: unknown;
  while (Date.now() < deadline && !hasEnded(child)) {
    const client = new pg.Client({
      connectionString: tcpUrl(state, 'owner', 'postgres'),
      connectionTimeoutMillis: 2_000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('select 1');
      return;
    } catch (error) {
      last = error;
      await sleep(20);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  const why = (hasEnded(child) ? await reason() : undefined) ?? messageOf(last ?? 'it ended');
  const known = toTicklakeError(new Error(`the embedded Postgres does not start: ${why}`, { cause: last }));
  if (known.code !== 'INTERNAL') throw known;
  throw new TicklakeError('DATABASE_UNREACHABLE', known.message, {
    cause: last,
    remedy: 'logs/postgres.log in the data dir says more.',
  });
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
