import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  openSandboxes,
  type SandboxAnswer,
  type SandboxControl,
  type Sandboxes,
} from '#core/lake/sandbox/open.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { requires } from '#tests/support/require.ts';

const onLinux = requires(process.platform === 'linux', 'Linux', 'Processes are looked up in /proc.');
const parent = fileURLToPath(new URL('sandbox-parent.ts', import.meta.url));
const patient = { timeout: 30_000, interval: 50 };
const endless = 'select count(*) from range(1000000000000) t(i) where hash(i) % 7 = 3';

let folder: string;
let sandboxes: Sandboxes;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticklake-sandbox-'));
  sandboxes = openSandboxes({
    ...{ folder, limits: { seconds: 60, memoryMb: 512, spillMb: 64, threads: 1 }, concurrency: 1 },
    ...{ logger: createLogger({ level: 'silent', name: 'test' }), metrics: new Metrics() },
  });
});

afterEach(async () => {
  await sandboxes.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(sql: string, control: SandboxControl = {}): Promise<SandboxAnswer> {
  const views = { statements: [], files: [], snapshots: {} };
  const bounds = { rowsMax: 10, bytesMax: 1_000_000 };
  return await sandboxes.run({ sql, params: {}, views, hidden: [], format: 'csv', bounds }, control);
}

/** Processes that work in the folder. */
async function processes(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return line.includes(folder) && line.includes('program.ts') ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

describe('the process of a query', onLinux, () => {
  it('has nothing of the environment of its parent', async () => {
    const leaving = new AbortController();
    const answering = run(endless, { signal: leaving.signal }).catch((error: unknown) => error);
    const [pid] = await vi.waitFor(async () => {
      const found = await processes();
      expect(found.length).toBeGreaterThan(0);
      return found;
    }, patient);
    const environment = await readFile(`/proc/${String(pid)}/environ`, 'utf8');
    const names = environment
      .split('\0')
      .filter(Boolean)
      .map((line) => line.split('=')[0]);
    expect(
      names.filter((name) => !['TZ', 'HOME', 'PWD', 'NODE_COMPILE_CACHE'].includes(name ?? '')).sort(),
    ).toEqual(['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE']);
    leaving.abort();
    expect(await answering).toMatchObject({ code: 'QUERY_CANCELED' });
  });

  it('ends with its parent, however that ends', async () => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', parent, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect((await processes()).length).toBeGreaterThan(0);
    child.kill('SIGKILL');
    await vi.waitFor(async () => expect(await processes()).toEqual([]), patient);
  });

  it('is replaced where it died while it waited', async () => {
    const first = await run('select 1 as n');
    expect(await readFile(first.file, 'utf8')).toBe('n\n1\n');
    await first.discard();
    for (const pid of await processes()) process.kill(pid, 'SIGKILL');
    await vi.waitFor(async () => expect(await processes()).toEqual([]), patient);
    const second = await run('select 2 as n');
    expect(await readFile(second.file, 'utf8')).toBe('n\n2\n');
    await second.discard();
  });

  it('that is killed says that the query was too much', async () => {
    let isRunning = false;
    const answering = run(endless, { onProgress: () => (isRunning = true) }).catch((error: unknown) => error);
    await vi.waitFor(() => expect(isRunning).toBe(true), patient);
    for (const pid of await processes()) process.kill(pid, 'SIGKILL');
    expect(await answering).toMatchObject({ code: 'QUERY_OVER_LIMIT' });
  });

  it('is gone with its files when all is closed, and who waits is told', async () => {
    const running = run(endless).catch((error: unknown) => error);
    const waiting = run('select 1').catch((error: unknown) => error);
    await vi.waitFor(async () => expect((await processes()).length).toBeGreaterThan(0), patient);
    await sandboxes.close();
    expect(await running).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await waiting).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await processes()).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });
});
