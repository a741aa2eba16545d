import { createHash } from 'node:crypto';
import { access, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

const project = join(import.meta.dirname, '..', '..');
/** What foreign readers of the tables need, and dbt with what it needs: kept apart, as the product itself needs neither. */
const lockFiles = {
  readers: join(project, 'tests', 'python', 'requirements.lock'),
  dbt: join(project, 'transforms', 'requirements.lock'),
} as const;
export type PythonKind = keyof typeof lockFiles;
const installMsMax = 600_000;
const uvVersion = '0.13.8';

export interface PythonEnvironment {
  /** The interpreter of a virtual environment with what a lock file names. */
  python: string;
}

/** What to tell `requires` where there is no environment. */
export const pythonRemedy =
  'Install Python 3.10 or newer with venv, then run `node tests/support/install-python.ts`.';

const environments = new Map<PythonKind, Promise<PythonEnvironment | undefined>>();

/**
 * The Python that foreign readers run in, or that of dbt. The first to ask makes it (half a minute) under .cache, named after the lock
 * file; others wait for it. Undefined, with a line on stderr that says why, where it cannot be made.
 */
export function pythonEnvironment(kind: PythonKind = 'readers'): Promise<PythonEnvironment | undefined> {
  const environment =
    environments.get(kind) ??
    installPython(kind).catch((error: unknown) => {
      process.stderr.write(
        `No Python for ${kind}: ${error instanceof Error ? error.message : String(error)}\n`,
      );
      return undefined;
    });
  environments.set(kind, environment);
  return environment;
}

/** Makes the environment unless it is there. Throws where it cannot. */
export async function installPython(kind: PythonKind = 'readers'): Promise<PythonEnvironment> {
  const lockFile = lockFiles[kind];
  const hash = createHash('sha256')
    .update(await readFile(lockFile))
    .digest('hex')
    .slice(0, 12);
  const directory = join(project, '.cache', `python-${hash}`);
  const found = { python: join(directory, 'bin', 'python') };
  await mkdir(join(project, '.cache'), { recursive: true });
  for (const deadline = Date.now() + installMsMax; Date.now() < deadline; await sleep(250)) {
    if (await exists(found.python)) return found;
    const release = await takeLock(`${directory}.lock`);
    if (release === undefined) continue;
    try {
      if (!(await exists(found.python))) await build(directory, lockFile);
      return found;
    } finally {
      await release();
    }
  }
  throw new Error(
    `another process has held ${directory}.lock for ${installMsMax / 60_000} minutes; remove it`,
  );
}

/** Builds beside the final place and moves it there whole, so that a half-made environment is never used. */
async function build(directory: string, lockFile: string): Promise<void> {
  const python = await findPython();
  const draft = `${directory}.${process.pid}`;
  const inner = join(draft, 'bin', 'python');
  try {
    const uv = await findUv();
    const run = (command: string, args: string[]) => execa(command, args, { timeout: installMsMax });
    if (uv !== undefined) {
      await run(uv, ['venv', '-q', '--python', python, draft]);
      await run(uv, ['pip', 'install', '-q', '--python', inner, ...exactly(lockFile)]);
    } else {
      await run(python, ['-m', 'venv', draft]);
      const installed = await execa(inner, ['-m', 'pip', 'install', '-q', `uv==${uvVersion}`], {
        reject: false,
      });
      await (installed.failed
        ? run(inner, ['-m', 'pip', 'install', '-q', ...exactly(lockFile)])
        : run(inner, ['-m', 'uv', 'pip', 'install', '-q', '--python', inner, ...exactly(lockFile)]));
    }
    await rename(draft, directory);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** A lock file names all that is needed, and what is left out of it on purpose. */
function exactly(lockFile: string): string[] {
  return ['--no-deps', '--require-hashes', '-r', lockFile];
}

async function findPython(): Promise<string> {
  const script = 'import sys; print(sys.executable if sys.version_info >= (3, 10) else "")';
  for (const candidate of ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10']) {
    const { stdout, failed } = await execa(candidate, ['-c', script], { reject: false });
    if (!failed && stdout !== '') return stdout;
  }
  throw new Error('there is no Python 3.10 or newer on the PATH');
}

async function findUv(): Promise<string | undefined> {
  const { failed } = await execa('uv', ['--version'], { reject: false });
  return failed ? undefined : 'uv';
}

/** Takes a lock file, or that of a process that is gone; undefined while a living one holds it. */
async function takeLock(path: string): Promise<(() => Promise<void>) | undefined> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return () => rm(path, { force: true });
  } catch {
    const owner = Number(await readFile(path, 'utf8').catch(() => ''));
    if (owner > 0 && !isAlive(owner)) await rm(path, { force: true });
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * Runs a Python script, which reads its arguments as JSON from stdin and prints its result as JSON on the last line
 * of stdout. The caller vouches for the result's shape.
 *
 * @param script a path under tests/, like `engines/read_table.py`.
 */
export async function python<T>(script: string, args: unknown): Promise<T> {
  const found = await pythonEnvironment();
  if (found === undefined) throw new Error(pythonRemedy);
  const { stdout } = await execa(found.python, [join(project, 'tests', script)], {
    input: JSON.stringify(args, (_key, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    ),
    timeout: 120_000,
    env: { PYTHONWARNINGS: 'ignore', PYTHONDONTWRITEBYTECODE: '1' },
  });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as T;
}
