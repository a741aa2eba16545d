import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chmod, mkdir } from 'node:fs/promises';
import { startServer } from '#core/platform/postgres/server.ts';
import { tcpUrl } from '#core/platform/postgres/state.ts';

/** A real Postgres of its own in a temporary folder; not durable, as it is thrown away. */
export async function startTestPostgres(): Promise<{ url: string; close(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'ticklake-test-'));
  await chmod(dir, 0o755);
  await mkdir(join(dir, 'logs'));
  const { state, child, stop } = await startServer(dir, { settings: ['fsync=off', 'full_page_writes=off'] });
  // A test process that is killed must not leave its server behind.
  const kill = (): void => void child.kill('SIGQUIT');
  process.once('exit', kill);
  return {
    url: tcpUrl(state, 'owner'),
    async close() {
      process.off('exit', kill);
      await stop();
      await rm(dir, { recursive: true, force: true });
      await rm(state.socketDir, { recursive: true, force: true });
    },
  };
}
