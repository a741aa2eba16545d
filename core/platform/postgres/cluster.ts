import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { messageOf, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import { isRoot, serverUid } from './binaries.ts';
import { loginOf, saveState, stateFile, type ServerState } from './state.ts';

const endTimeoutMs = 20_000;

/**
 * Makes the data dir's cluster where it has none, and checks the one it has.
 * @throws DATABASE_WRONG when the cluster is lost, its passwords are, or another Postgres made it
 */
export async function ensureCluster(
  dataDir: string,
  known: boolean,
  state: ServerState,
  binaries: string,
  durable: boolean,
): Promise<void> {
  const exists = existsSync(join(state.clusterDir, 'PG_VERSION'));
  if (exists && !known) {
    throw new TicklakeError('DATABASE_WRONG', `${stateFile(dataDir)}, the key to ${dataDir}, is missing`, {
      remedy: 'Bring the file back from a backup, or choose another --data-dir.',
    });
  }
  if (state.made && !exists) {
    throw new TicklakeError('DATABASE_WRONG', `${state.clusterDir}, the database of ${dataDir}, is missing`, {
      remedy: 'Bring the folder back, or choose another --data-dir.',
    });
  }
  if (exists) {
    await assertSameVersion(binaries, state.clusterDir);
  } else {
    // The owner's password first: a cluster whose password nobody knows would be lost.
    await saveState(dataDir, state);
    await initCluster(binaries, state, durable);
  }
  state.made = true;
}

/** Ends a server that outlived the process that kept it; its data recovers when it starts again. */
export async function endOrphan(clusterDir: string): Promise<void> {
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => undefined);
  const pid = Number(text?.split('\n')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  if (!(await isPostgres(pid, clusterDir))) return;
  process.kill(pid, 'SIGQUIT');
  for (let waited = 0; waited < endTimeoutMs; waited += 50) {
    if (!(await isPostgres(pid, clusterDir))) return;
    await sleep(50);
  }
  throw new TicklakeError('UNAVAILABLE', `an earlier Postgres (pid ${pid}) does not end`, {
    remedy: `End it by hand and try again.`,
  });
}

/** The line in which a Postgres program says what ended it, or undefined. */
export function fatalLine(output: string): string | undefined {
  return output
    .split('\n')
    .findLast((line) => /FATAL|PANIC/.test(line) && !/the database system is /.test(line))
    ?.replace(/^.*(FATAL|PANIC): +/, '');
}

/** How the server and its tools are run: as an unprivileged user where we are root, which Postgres refuses. */
export function serverProcess(binaries: string): {
  uid?: number;
  gid?: number;
  env: Record<string, string>;
} {
  return {
    ...(isRoot() ? { uid: serverUid, gid: serverUid } : {}),
    env: { LD_LIBRARY_PATH: join(binaries, 'lib'), PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' },
  };
}

/** Beside its place first, then moved there: a cluster that has its name is whole. */
async function initCluster(binaries: string, state: ServerState, durable: boolean): Promise<void> {
  const draft = `${state.clusterDir}.new-${process.pid}`;
  const passwordFile = join(state.socketDir, 'password');
  try {
    await mkdir(dirname(draft), { recursive: true });
    // The server's user must get through, whatever the umask is.
    if (state.outside) await chmod(dirname(draft), 0o755);
    await removeDrafts(state.clusterDir);
    await mkdir(draft, { mode: 0o700 });
    await rm(passwordFile, { force: true });
    await writeFile(passwordFile, state.passwords.owner, { mode: 0o600, flag: 'wx' });
    if (isRoot()) for (const path of [draft, passwordFile]) await chown(path, serverUid, serverUid);
    const how = ['-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', ...(durable ? [] : ['--no-sync'])];
    await execa(
      join(binaries, 'bin', 'initdb'),
      ['-D', draft, '-U', loginOf('owner'), '--pwfile', passwordFile, ...how],
      { ...serverProcess(binaries), stdin: 'ignore' },
    );
    await rename(draft, state.clusterDir);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    const message = messageOf(error);
    throw toTicklakeError(
      new Error(`the database could not be made: ${fatalLine(message) ?? message}`, { cause: error }),
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** What earlier makers left that were killed meanwhile; their initdb may still be writing for a moment. */
async function removeDrafts(clusterDir: string): Promise<void> {
  const parent = dirname(clusterDir);
  for (const name of await readdir(parent)) {
    if (name.startsWith(`${basename(clusterDir)}.new-`))
      await rm(join(parent, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function assertSameVersion(binaries: string, clusterDir: string): Promise<void> {
  const [made, { stdout }] = await Promise.all([
    readFile(join(clusterDir, 'PG_VERSION'), 'utf8'),
    execa(join(binaries, 'bin', 'postgres'), ['--version'], serverProcess(binaries)),
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
