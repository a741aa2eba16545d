import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import packageJson from '#package.json' with { type: 'json' };

const root = join(import.meta.dirname, '../..');
const launcher = join(root, 'cli/ticklake.js');

/** A project of the launcher alone, with a `main.ts` and, as on a machine that has it, a Node of its own. */
async function projectWith(options: { main: string; ownNode: boolean }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ticklake-launcher-'));
  onTestFinished(async () => await rm(folder, { recursive: true }));
  await mkdir(join(folder, 'cli'));
  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  await copyFile(launcher, join(folder, 'cli/ticklake.js'));
  await writeFile(join(folder, 'cli/main.ts'), options.main);
  // Loaded first, it makes this Node say that it is an old one; the own Node starts without it.
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '20.19.0' });`;
  await writeFile(join(folder, 'old.cjs'), pretend);
  if (options.ownNode) {
    const node = join(folder, 'node_modules/.bin/node');
    await writeFile(node, `#!/bin/sh\nunset NODE_OPTIONS\nexec "${process.execPath}" "$@"\n`);
    await chmod(node, 0o755);
  }
  return folder;
}

function start(folder: string, args: string[] = []) {
  return execa(process.execPath, [join(folder, 'cli/ticklake.js'), ...args], {
    env: { NODE_OPTIONS: `--require=${join(folder, 'old.cjs')}` },
    reject: false,
  });
}

test('runs the command', async () => {
  const { stdout, stderr } = await execa(process.execPath, [launcher, '--version']);
  expect({ stdout, stderr }).toEqual({ stdout: packageJson.version, stderr: '' });
});

test('an old Node hands over to the own one, with arguments, streams and exit code', async () => {
  const main = `export async function run(argv: string[]): Promise<number> {
    process.stdout.write(JSON.stringify(argv));
    return 7;
  }`;
  const { stdout, stderr, exitCode } = await start(await projectWith({ main, ownNode: true }), [
    'a b',
    '--json',
  ]);
  expect({ stdout, stderr, exitCode }).toEqual({ stdout: '["a b","--json"]', stderr: '', exitCode: 7 });
});

test('an old Node without another says what to do, in one line', async () => {
  const folder = await projectWith({ main: 'export async function run() { return 0; }', ownNode: false });
  const { stdout, stderr, exitCode } = await start(folder);
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 64 });
  expect(stderr).toMatch(/^ticklake: Node 20\.19\.0 is too old, .*Run `npm ci`.*$/);
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s reaches the command, whose exit code is kept',
  async (signal) => {
    const main = `export async function run(): Promise<number> {
    return await new Promise((resolve) => {
      const alive = setInterval(() => undefined, 1000);
      process.once('${signal}', () => { clearInterval(alive); resolve(9); });
      process.stdout.write('ready');
    });
  }`;
    const running = start(await projectWith({ main, ownNode: true }));
    running.stdout.once('data', () => running.kill(signal));
    expect(await running).toMatchObject({ exitCode: 9, stdout: 'ready' });
  },
);

test('a command that a signal ends is reported as shells do', async () => {
  const main = `export async function run(): Promise<number> {
    process.kill(process.pid, 'SIGKILL');
    return await new Promise(() => undefined);
  }`;
  expect(await start(await projectWith({ main, ownNode: true }))).toMatchObject({ exitCode: 137 });
});

test('a command that asked for an exit code itself gets it', async () => {
  const main = 'export async function run(): Promise<number> { process.exitCode = 130; return 0; }';
  expect(await start(await projectWith({ main, ownNode: true }))).toMatchObject({ exitCode: 130 });
});
