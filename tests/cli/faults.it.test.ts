import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';

const command = fileURLToPath(new URL('../../cli/ticklake.js', import.meta.url));
let dataDir = '';

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ticklake-cli-'));
  await chmod(dataDir, 0o755);
});
afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

async function ticklake(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ exitCode: number; lines: string[] }> {
  const { exitCode = -1, stderr } = await execa(process.execPath, [command, '--data-dir', dataDir, ...args], {
    env,
    reject: false,
    timeout: 60_000,
  });
  return { exitCode, lines: stderr.split('\n').filter((line) => line.trim() !== '') };
}

test('a port in use: one line, exit 75, and nothing was begun', async () => {
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const address = busy.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { exitCode, lines } = await ticklake(['up', '--port', String(port), '--for', '5s']);
  busy.close();
  expect(exitCode).toBe(75);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(new RegExp(`${port}.*--port`));
  expect(await readdir(dataDir)).toEqual([]);
});

test('a key nobody knows: one line that names it, exit 64', async () => {
  const { exitCode, lines } = await ticklake(['lake', 'tables'], { TICKLAKE_INGEST_BACH_MS: '5' });
  expect(exitCode).toBe(64);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('TICKLAKE_INGEST_BACH_MS');
});

test('a database that does not answer: one line with the remedy, exit 75, no password in it', async () => {
  const url = 'postgresql://someone:hunter2@127.0.0.1:1/nowhere';
  const { exitCode, lines } = await ticklake(['lake', 'tables'], { TICKLAKE_DATABASE_URL: url });
  expect(exitCode).toBe(75);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('TICKLAKE_DATABASE_URL');
  expect(lines[0]).not.toContain('hunter2');
});
