import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findPython, madeEnvironment, pythonEnvironment } from '#core/platform/python.ts';
import { requires } from '#tests/support/require.ts';

const hasPython = await findPython().then(
  () => true,
  () => false,
);
const needsPython = requires(hasPython, 'Python ≥ 3.10', 'Install Python 3.10 or newer with venv.');

let cacheDir: string;
let lockFile: string;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'ticklake-python-'));
  lockFile = join(cacheDir, 'requirements.lock');
  await writeFile(lockFile, '# Nothing is needed.\n');
});
afterEach(() => rm(cacheDir, { recursive: true, force: true }));

it('says how to get Python where there is none', async () => {
  const env = { PATH: cacheDir };
  await expect(pythonEnvironment({ lockFile, cacheDir, env })).rejects.toMatchObject({
    ...{ code: 'PYTHON_MISSING', exitCode: 64, retryable: false },
    remedy: expect.stringContaining('3.10 or newer') as string,
  });
  expect(await madeEnvironment({ lockFile, cacheDir })).toBeUndefined();
  expect(await readdir(cacheDir)).toEqual(['requirements.lock']);
});

describe('an environment', { ...needsPython, timeout: 120_000 }, () => {
  const program = `
    import { pythonEnvironment } from '#core/platform/python.ts';
    const [lockFile, cacheDir] = process.argv.slice(1);
    process.stdout.write('begun\\n');
    const { python } = await pythonEnvironment({ lockFile, cacheDir });
    process.stdout.write(python);`;
  const start = () =>
    spawn(process.execPath, ['--input-type=module', '-e', program, lockFile, cacheDir], {
      cwd: join(import.meta.dirname, '..', '..', '..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    });

  it('that is being made when its process is killed is made anew, by two that ask at once', async () => {
    const killed = start();
    await vi.waitFor(
      async () => {
        expect(
          (await readdir(cacheDir)).some((name) => name.endsWith('.lock') && name !== 'requirements.lock'),
        ).toBe(true);
      },
      { timeout: 30_000, interval: 20 },
    );
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(await madeEnvironment({ lockFile, cacheDir })).toBeUndefined();

    const notes: string[] = [];
    const [one, other] = await Promise.all([
      pythonEnvironment({ lockFile, cacheDir, note: (line) => notes.push(line) }),
      pythonEnvironment({ lockFile, cacheDir }),
    ]);
    expect(one).toEqual(other);
    expect(await madeEnvironment({ lockFile, cacheDir })).toEqual(one);
    expect(notes.length).toBeLessThanOrEqual(2);
    const again = await pythonEnvironment({ lockFile, cacheDir, env: { PATH: '' } });
    expect(again).toEqual(one);
  });
});
