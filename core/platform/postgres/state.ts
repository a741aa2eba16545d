import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toTicklakeError } from '#core/platform/errors.ts';
import { freePort } from '#core/platform/ports.ts';
import { isRoot, reachable } from './binaries.ts';

/** Logins of the embedded server: one for each role, and the owner of all tables. */
export const databaseRoles = ['owner', 'ingest', 'api', 'trader', 'events', 'analyst'] as const;
export type DatabaseRole = (typeof databaseRoles)[number];

/** What a data dir remembers of its server, in a file that only its owner can read. */
interface StoredState {
  /** Port of 127.0.0.1; another is chosen when somebody has taken it. */
  port: number;
  passwords: Record<DatabaseRole, string>;
  /** The cluster is not in the data dir, as the server's user could not reach it there. */
  outside: boolean;
  /** The cluster is complete; without it, it is made, and made anew when that was cut short. */
  made: boolean;
}

/** Where an embedded server is and how to get in. Places follow from the data dir, which may be moved. */
export interface ServerState extends StoredState {
  socketDir: string;
  clusterDir: string;
}

/** The port in the socket's name; the server's own port can change while commands hold it, this one does not. */
export const socketPort = 5432;
const database = 'ticklake';

/** URL of the server for a role, by its Unix socket; it stays good when the server is started again. */
export function socketUrl(state: ServerState, role: DatabaseRole): string {
  const host = encodeURIComponent(state.socketDir);
  return `postgresql://${loginOf(role)}:${state.passwords[role]}@${host}:${socketPort}/${database}`;
}

/** URL of the server for a role, by TCP: for foreign engines. */
export function tcpUrl(state: ServerState, role: DatabaseRole, name = database): string {
  return `postgresql://${loginOf(role)}:${state.passwords[role]}@127.0.0.1:${state.port}/${name}`;
}

export function loginOf(role: DatabaseRole): string {
  return `ticklake_login_${role}`;
}

/** The server's state as the data dir has it, or undefined where there never was one. `dataDir` is absolute. */
export async function readState(dataDir: string): Promise<ServerState | undefined> {
  const text = await readFile(stateFile(dataDir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const stored = JSON.parse(text) as StoredState;
  // An older version of it knew fewer logins.
  return withPlaces(dataDir, { ...stored, passwords: { ...newPasswords(), ...stored.passwords } });
}

/** Passwords, a port and places for a data dir that has no server yet. */
export async function newState(dataDir: string): Promise<ServerState> {
  return withPlaces(dataDir, {
    port: await freePort(),
    passwords: newPasswords(),
    outside: isRoot() && !(await reachable(dataDir)),
    made: false,
  });
}

function newPasswords(): Record<DatabaseRole, string> {
  const password = (): string => randomBytes(18).toString('hex');
  return {
    ...{ owner: password(), ingest: password(), api: password(), trader: password() },
    ...{ events: password(), analyst: password() },
  };
}

/** Replaces the file at once: whoever dies meanwhile, the passwords are not lost. */
export async function saveState(dataDir: string, state: ServerState): Promise<void> {
  const { port, passwords, outside, made } = state;
  const draft = `${stateFile(dataDir)}.new`;
  try {
    await mkdir(dataDir, { recursive: true });
    await rm(draft, { force: true });
    await writeFile(draft, JSON.stringify({ port, passwords, outside, made }), { mode: 0o600, flush: true });
    await rename(draft, stateFile(dataDir));
  } catch (error) {
    throw toTicklakeError(error);
  }
}

export function stateFile(dataDir: string): string {
  return join(dataDir, 'postgres.json');
}

function withPlaces(dataDir: string, stored: StoredState): ServerState {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  return {
    ...stored,
    // A socket's path has at most 107 bytes, and data dirs can lie deep.
    socketDir: `/tmp/ticklake-${hash}`,
    clusterDir: stored.outside ? join('/var/lib/ticklake', `data-${hash}`) : join(dataDir, 'postgres'),
  };
}
