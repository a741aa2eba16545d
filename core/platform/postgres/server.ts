import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import pg from 'pg';
import { TicklakeError, messageOf, toTicklakeError } from '#core/platform/errors.ts';
import { assertPortFree, freePort } from '#core/platform/ports.ts';
import { findBinaries, isRoot, reachable, serverUid } from './binaries.ts';

/** Logins of the embedded server: one for each role, and the owner of all tables. */
export const databaseRoles = ['owner', 'ingest', 'api', 'analyst'] as const;
export type DatabaseRole = (typeof databaseRoles)[number];

/** Where an embedded server is and how to get in; kept in the data dir, readable for its owner only. */
export interface ServerState {
  port: number;
  socketDir: string;
  clusterDir: string;
  passwords: Record<DatabaseRole, string>;
}

export interface ServerOptions {
  /** Extra settings, such as `fsync=off` for a server that a test throws away. */
  settings?: readonly string[];
}

const database = 'ticklake';
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

/** URL of the server for a role, by its Unix socket. */
export function socketUrl(state: ServerState, role: DatabaseRole): string {
  const host = encodeURIComponent(state.socketDir);
  return `postgresql://ticklake_login_${role}:${state.passwords[role]}@${host}:${state.port}/${database}`;
}

/** URL of the server for a role, by TCP: for foreign engines. */
export function tcpUrl(state: ServerState, role: DatabaseRole): string {
  return `postgresql://ticklake_login_${role}:${state.passwords[role]}@127.0.0.1:${state.port}/${database}`;
}

/** The server's state as the data dir has it, or undefined where there never was one. */
export async function readState(dataDir: string): Promise<ServerState | undefined> {
  const text = await readFile(stateFile(dataDir), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ServerState);
}

/**
 * Makes the cluster where it is missing and starts the server as a child of this process. An orphan that still
 * holds the cluster is ended first. Resolves when it answers.
 */
export async function startServer(
  dataDir: string,
  options: ServerOptions = {},
): Promise<{ state: ServerState; child: ChildProcess; stop(): Promise<void> }> {
  const binaries = await findBinaries();
  const state = (await readState(dataDir)) ?? (await newState(dataDir));
  await prepareSocketDir(state.socketDir);
  if (!existsSync(join(state.clusterDir, 'PG_VERSION'))) await initCluster(binaries, state);
  await assertSameVersion(binaries, state.clusterDir);
  await endOrphan(state.clusterDir);
  // Somebody may have taken the port since the last run.
  await assertPortFree(state.port).catch(async () => {
    state.port = await freePort();
  });
  await saveState(dataDir, state);

  const logFile = await open(join(dataDir, 'logs', 'postgres.log'), 'a');
  const arguments_ = [
    ...settings,
    `port=${state.port}`,
    `unix_socket_directories=${state.socketDir}`,
    ...(options.settings ?? []),
  ];
  const child = spawn(
    join(binaries, 'bin', 'postgres'),
    ['-D', state.clusterDir, ...arguments_.flatMap((setting) => ['-c', setting])],
    { stdio: ['ignore', logFile.fd, logFile.fd], ...unprivileged(), env: serverEnvironment(binaries) },
  );
  try {
    await untilAnswers(state, child);
    await ensureLogins(state);
  } catch (error) {
    child.kill('SIGQUIT');
    throw error;
  } finally {
    await logFile.close();
  }
  return { state, child, stop: () => stopServer(child) };
}

/** Fast shutdown; a server that does not end in time is told to quit at once, which recovers at the next start. */
export async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  const late = setTimeout(() => child.kill('SIGQUIT'), stopTimeoutMs);
  await ended;
  clearTimeout(late);
}

async function newState(dataDir: string): Promise<ServerState> {
  await mkdir(join(dataDir, 'logs'), { recursive: true }).catch((error: unknown) => {
    throw toTicklakeError(error);
  });
  const hash = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16);
  const passwords = Object.fromEntries(databaseRoles.map((role) => [role, randomBytes(18).toString('hex')]));
  const inDataDir = join(resolve(dataDir), 'postgres');
  const outside = isRoot() && !(await reachable(resolve(dataDir)));
  return {
    port: await freePort(),
    // A socket's path has at most 107 bytes, and data dirs can lie deep.
    socketDir: `/tmp/ticklake-${hash}`,
    clusterDir: outside ? join('/var/lib/ticklake', `data-${hash}`) : inDataDir,
    passwords: passwords as Record<DatabaseRole, string>,
  };
}

async function prepareSocketDir(socketDir: string): Promise<void> {
  await mkdir(socketDir, { recursive: true, mode: 0o700 });
  if (isRoot()) await chown(socketDir, serverUid, serverUid);
}

async function initCluster(binaries: string, state: ServerState): Promise<void> {
  const parent = dirname(state.clusterDir);
  await mkdir(parent, { recursive: true });
  // A cluster that was being made when its maker died has no PG_VERSION, and is made anew.
  await rm(state.clusterDir, { recursive: true, force: true });
  await mkdir(state.clusterDir, { mode: 0o700 });
  const passwordFile = join(state.socketDir, `password-${randomBytes(6).toString('hex')}`);
  await writeFile(passwordFile, state.passwords.owner, { mode: 0o600 });
  if (isRoot()) {
    await chmod(parent, 0o755);
    await chown(state.clusterDir, serverUid, serverUid);
    await chown(passwordFile, serverUid, serverUid);
  }
  try {
    await execa(
      join(binaries, 'bin', 'initdb'),
      [
        '-D',
        state.clusterDir,
        '-U',
        'ticklake_login_owner',
        '--pwfile',
        passwordFile,
        '-A',
        'scram-sha-256',
        '-E',
        'UTF8',
        '--locale=C',
        '-N',
      ],
      { ...unprivileged(), env: serverEnvironment(binaries), stdin: 'ignore' },
    );
  } catch (error) {
    await rm(state.clusterDir, { recursive: true, force: true });
    throw toTicklakeError(new Error(`initdb: ${fatalLine(messageOf(error))}`, { cause: error }));
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** The line in which a Postgres program says what ended it. */
function fatalLine(output: string): string {
  return (
    output
      .split('\n')
      .find((line) => line.includes('FATAL'))
      ?.replace(/^.*FATAL: +/, '') ?? output
  );
}

async function assertSameVersion(binaries: string, clusterDir: string): Promise<void> {
  const [made, { stdout }] = await Promise.all([
    readFile(join(clusterDir, 'PG_VERSION'), 'utf8'),
    execa(join(binaries, 'bin', 'postgres'), ['--version'], {
      env: serverEnvironment(binaries),
      ...unprivileged(),
    }),
  ]);
  const ours = /(\d+)/.exec(stdout)?.[1] ?? '';
  if (made.trim() === ours) return;
  throw new TicklakeError(
    'DATABASE_WRONG',
    `${clusterDir} was made by Postgres ${made.trim()}, ours is ${ours}`,
    {
      remedy: 'Choose another --data-dir, or bring the data over with pg_dump of the older version.',
    },
  );
}

/** Ends a server that outlived the process that kept it; its data recovers when it starts again. */
async function endOrphan(clusterDir: string): Promise<void> {
  const pidFile = join(clusterDir, 'postmaster.pid');
  const text = await readFile(pidFile, 'utf8').catch(() => undefined);
  const pid = Number(text?.split('\n')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  if (!(await isPostgres(pid, clusterDir))) return;
  process.kill(pid, 'SIGQUIT');
  for (let waited = 0; waited < stopTimeoutMs; waited += 50) {
    if (!(await isPostgres(pid, clusterDir))) return;
    await sleep(50);
  }
  throw new TicklakeError('UNAVAILABLE', `an earlier Postgres (pid ${pid}) does not end`, {
    remedy: `End it by hand and try again.`,
  });
}

async function isPostgres(pid: number, clusterDir: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // Pids are used again: where the system tells, make sure that it is this cluster's server.
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  return commandLine === undefined ? process.platform !== 'linux' : commandLine.includes(clusterDir);
}

async function untilAnswers(state: ServerState, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    const client = new pg.Client({
      connectionString: ownerUrl(state, 'postgres'),
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
  throw new TicklakeError(
    'DATABASE_UNREACHABLE',
    `the embedded Postgres does not start: ${messageOf(last ?? 'it ended')}`,
    {
      cause: last,
      remedy: 'logs/postgres.log in the data dir says why.',
    },
  );
}

async function ensureLogins(state: ServerState): Promise<void> {
  await asOwner(state, 'postgres', async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${database}`);
  });
  await asOwner(state, database, async (client) => {
    for (const role of databaseRoles.filter((name) => name !== 'owner')) {
      const login = `ticklake_login_${role}`;
      const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [login]);
      const verb = rowCount === 0 ? 'create' : 'alter';
      await client.query(`${verb} role ${login} login password '${state.passwords[role]}'`);
    }
  });
}

/** Makes the logins members of the groups that migrations give rights to. */
export async function grantLogins(state: ServerState): Promise<void> {
  await asOwner(state, database, async (client) => {
    for (const role of databaseRoles.filter((name) => name !== 'owner')) {
      await client.query(`grant ticklake_${role} to ticklake_login_${role}`);
    }
  });
}

async function asOwner(
  state: ServerState,
  name: string,
  work: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl(state, name) });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function ownerUrl(state: ServerState, name: string): string {
  return `postgresql://ticklake_login_owner:${state.passwords.owner}@127.0.0.1:${state.port}/${name}`;
}

function unprivileged(): { uid?: number; gid?: number } {
  return isRoot() ? { uid: serverUid, gid: serverUid } : {};
}

function serverEnvironment(binaries: string): Record<string, string> {
  return { LD_LIBRARY_PATH: join(binaries, 'lib'), PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
}

function stateFile(dataDir: string): string {
  return join(dataDir, 'postgres.json');
}

async function saveState(dataDir: string, state: ServerState): Promise<void> {
  await writeFile(stateFile(dataDir), JSON.stringify(state), { mode: 0o600 });
}
