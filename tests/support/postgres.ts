import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '#core/platform/postgres/server.ts';
import { tcpUrl } from '#core/platform/postgres/state.ts';
import { putMadeDatabase } from './postgres-template.ts';

export interface TestPostgres {
  url: string;
  /** Ends the server at once; its data stay. */
  stop(): Promise<void>;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
  close(): Promise<void>;
}

interface TestPostgresOptions {
  settings?: readonly string[];
}

/** A real Postgres of its own in a temporary folder, without tables; not durable, as it is thrown away. */
export async function startTestPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  return await startIn(await temporaryDir(), options);
}

/** The same with the tables of the newest version, and sooner there than one that is migrated. */
export async function startMigratedPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const dir = await temporaryDir();
  await putMadeDatabase(dir);
  return await startIn(dir, options);
}

async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ticklake-test-'));
  await chmod(dir, 0o755);
  await mkdir(join(dir, 'logs'));
  return dir;
}

async function startIn(dir: string, more: TestPostgresOptions): Promise<TestPostgres> {
  const settings = ['fsync=off', 'full_page_writes=off', ...(more.settings ?? [])];
  let server = await startServer(dir, { settings });
  const { state } = server;
  // A test process that is killed must not leave its server behind.
  const kill = (): void => void server.child.kill('SIGQUIT');
  process.once('exit', kill);
  return {
    url: tcpUrl(state, 'owner'),
    stop: async () => await server.stop(),
    async start() {
      server = await startServer(dir, { settings });
      if (server.state.port !== state.port) throw new Error('somebody has taken the port of a test Postgres');
    },
    async close() {
      process.off('exit', kill);
      await server.stop();
      await rm(dir, { recursive: true, force: true });
      await rm(state.socketDir, { recursive: true, force: true });
    },
  };
}
