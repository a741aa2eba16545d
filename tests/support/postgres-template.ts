import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { findBinaries } from '#core/platform/postgres/binaries.ts';
import { serverProcess } from '#core/platform/postgres/cluster.ts';
import { migrate } from '#core/platform/postgres/migrate.ts';
import { startServer } from '#core/platform/postgres/server.ts';
import { newState, readState, saveState, tcpUrl } from '#core/platform/postgres/state.ts';

const project = join(import.meta.dirname, '..', '..');
const cacheDir = join(project, '.cache');
/** What a cluster, its logins and its tables follow from. */
const sources = [join(project, 'core', 'platform', 'postgres'), join(project, 'sql', 'migrations')];

/**
 * Puts a database as the newest version makes it into a data dir that has none yet, by copying: what initdb and all migrations
 * do takes seconds, and is the same each time.
 */
export async function putMadeDatabase(dataDir: string): Promise<void> {
  const template = await madeTemplate();
  const made = await readState(template);
  if (made === undefined) throw new Error(`${template} has no state of its Postgres; remove it`);
  const state = { ...(await newState(dataDir)), passwords: made.passwords, made: true };
  await mkdir(dirname(state.clusterDir), { recursive: true });
  // With its owner, who is not us where we are root.
  await execa('cp', ['-a', join(template, 'postgres'), state.clusterDir]);
  await saveState(dataDir, state);
}

/** The data dir that others are copied from; the first to ask makes it. */
async function madeTemplate(): Promise<string> {
  const name = `postgres-${await versionHash()}`;
  const place = join(cacheDir, name);
  if ((await readState(place)) !== undefined) return place;
  // Where the server's user gets to, which need not be so for the project.
  const dataDir = await mkdtemp(join(tmpdir(), 'ticklake-template-'));
  const draft = `${place}.${process.pid}`;
  try {
    await chmod(dataDir, 0o755);
    const server = await startServer(dataDir, { settings: ['fsync=off'] });
    await migrate(tcpUrl(server.state, 'owner')).finally(() => server.stop());
    await removeOthers(name);
    await execa('cp', ['-a', dataDir, draft]);
    await rename(draft, place);
  } catch (error) {
    // Another was faster.
    if ((await readState(place)) === undefined) throw error;
  } finally {
    for (const folder of [draft, dataDir]) await rm(folder, { recursive: true, force: true });
  }
  return place;
}

async function versionHash(): Promise<string> {
  const binaries = await findBinaries();
  const hash = createHash('sha256');
  const { stdout } = await execa(join(binaries, 'bin', 'postgres'), ['--version'], serverProcess(binaries));
  hash.update(stdout);
  for (const folder of sources) {
    for (const file of (await readdir(folder)).toSorted())
      hash.update(`\0${file}\0`).update(await readFile(join(folder, file)));
  }
  return hash.digest('hex').slice(0, 12);
}

/** Those of other versions. */
async function removeOthers(name: string): Promise<void> {
  await mkdir(cacheDir, { recursive: true });
  for (const other of await readdir(cacheDir)) {
    if (other.startsWith('postgres-') && !other.startsWith(name))
      await rm(join(cacheDir, other), { recursive: true, force: true });
  }
}
