import { createHash } from 'node:crypto';
import { access, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa, ExecaError } from 'execa';
import { messageOf, TicklakeError } from './errors.ts';

export interface PythonRequest {
  /** What is installed: every package with its version and hashes, as `uv pip compile --generate-hashes` writes it. */
  lockFile: string;
  /** Folder that environments are kept in, one for each content of a lock file. */
  cacheDir: string;
  /** Is told what goes on where it takes long. */
  note?: ((line: string) => void) | undefined;
  /** Ends the making; the next caller begins anew. */
  signal?: AbortSignal | undefined;
  /** Where programs are looked for; default the process's own environment. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface PythonEnvironment {
  /** The interpreter of a virtual environment with what the lock file names. */
  python: string;
}

const installMsMax = 600_000;
const commandMsMax = 10_000;
const waitMs = 250;
const uvVersion = '0.13.8';
/** Compiled now, or every start would take seconds longer. */
const uvInstall = ['pip', 'install', '-q', '--compile-bytecode'];
const candidates = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];

/** How to get what is missing. */
export const pythonRemedy =
  'Install Python 3.10 or newer with venv (Debian: apt-get install python3-venv), and have it on the PATH.';

/**
 * A Python environment with exactly what a lock file names, made the first time (half a minute, and the network). Safe when
 * several processes ask at once; one that was killed half-way leaves nothing that is taken for an environment.
 * @throws PYTHON_MISSING where there is no Python 3.10 or newer, UNAVAILABLE when the packages could not be installed.
 */
export async function pythonEnvironment(request: PythonRequest): Promise<PythonEnvironment> {
  const directory = await environmentDir(request);
  const found = { python: join(directory, 'bin', 'python') };
  for (const deadline = Date.now() + installMsMax; Date.now() < deadline;) {
    if (await exists(found.python)) return found;
    request.signal?.throwIfAborted();
    await mkdir(request.cacheDir, { recursive: true });
    const release = await takeLock(`${directory}.lock`);
    if (release === undefined) {
      await sleep(waitMs);
      continue;
    }
    try {
      if (!(await exists(found.python))) await build(directory, request);
      return found;
    } finally {
      await release();
    }
  }
  throw new TicklakeError('UNAVAILABLE', `another process has held ${directory}.lock for too long`, {
    remedy: 'Remove the file if no other command makes the environment.',
  });
}

/** The environment where it has been made. */
export async function madeEnvironment(request: PythonRequest): Promise<PythonEnvironment | undefined> {
  const python = join(await environmentDir(request), 'bin', 'python');
  return (await exists(python)) ? { python } : undefined;
}

/**
 * The path of a Python 3.10 or newer.
 * @throws PYTHON_MISSING
 */
export async function findPython({ env }: Pick<PythonRequest, 'env'> = {}): Promise<string> {
  const script = 'import sys, venv; print(sys.executable if sys.version_info >= (3, 10) else "")';
  for (const candidate of candidates) {
    const { stdout, failed } = await execa(candidate, ['-c', script], {
      ...{ reject: false, timeout: commandMsMax },
      ...environmentOf(env),
    });
    if (!failed && stdout !== '') return stdout;
  }
  throw new TicklakeError('PYTHON_MISSING', 'there is no Python 3.10 or newer with venv', {
    remedy: pythonRemedy,
  });
}

async function environmentDir({ lockFile, cacheDir }: PythonRequest): Promise<string> {
  const hash = createHash('sha256').update(await readFile(lockFile));
  return join(cacheDir, `python-${hash.digest('hex').slice(0, 12)}`);
}

/** Builds beside the final place and moves it there whole. */
async function build(directory: string, request: PythonRequest): Promise<void> {
  const python = await findPython(request);
  const draft = `${directory}.${process.pid}`;
  await removeDrafts(directory);
  const startedMs = performance.now();
  request.note?.('making the Python environment, once: packages are fetched and installed');
  try {
    await install(python, draft, request);
    await rename(draft, directory);
  } catch (error) {
    if (await exists(join(directory, 'bin', 'python'))) return;
    request.signal?.throwIfAborted();
    throw notInstalled(error);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  request.note?.(
    `the Python environment is there, after ${Math.round((performance.now() - startedMs) / 1_000)} s`,
  );
}

/** Those of processes that died. */
async function removeDrafts(directory: string): Promise<void> {
  for (const name of await readdir(dirname(directory))) {
    const [, pid] = new RegExp(`^${basename(directory)}\\.(\\d+)$`).exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    // What it had started may write to it still: then the next to build removes it.
    await rm(join(dirname(directory), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

async function install(
  python: string,
  draft: string,
  { lockFile, signal, env }: PythonRequest,
): Promise<void> {
  const inner = join(draft, 'bin', 'python');
  const options = {
    ...{ timeout: installMsMax, ...environmentOf(env) },
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  };
  // The lock file names all that is needed, and what is left out of it on purpose.
  const exactly = ['--no-deps', '--require-hashes', '-r', lockFile];
  await rm(draft, { recursive: true, force: true });
  if (await hasUv(env)) {
    await execa('uv', ['venv', '-q', '--python', python, draft], options);
    await execa('uv', [...uvInstall, '--python', inner, ...exactly], options);
    return;
  }
  await execa(python, ['-m', 'venv', draft], options);
  const uv = await execa(inner, ['-m', 'pip', 'install', '-q', `uv==${uvVersion}`], {
    ...options,
    reject: false,
  });
  const tool = uv.failed ? ['pip', 'install', '-q'] : ['uv', ...uvInstall, '--no-cache', '--python', inner];
  await execa(inner, ['-m', ...tool, ...exactly], options);
}

async function hasUv(env: PythonRequest['env']): Promise<boolean> {
  const { failed } = await execa('uv', ['--version'], {
    ...{ reject: false, timeout: commandMsMax },
    ...environmentOf(env),
  });
  return !failed;
}

function environmentOf(env: PythonRequest['env']): {
  env?: Record<string, string | undefined>;
  extendEnv?: false;
} {
  return env === undefined ? {} : { env: { ...env }, extendEnv: false };
}

function notInstalled(error: unknown): TicklakeError {
  const said = error instanceof ExecaError ? String(error.stderr).trim().split('\n').at(-1) : undefined;
  return new TicklakeError(
    'UNAVAILABLE',
    `the Python environment could not be made: ${said === undefined || said === '' ? messageOf(error) : said}`,
    { cause: error, remedy: 'See that the package index is reached (PIP_INDEX_URL), then try again.' },
  );
}

/** Takes a lock file, or that of a process that is gone; undefined while a living one holds it. */
async function takeLock(path: string): Promise<(() => Promise<void>) | undefined> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return () => rm(path, { force: true });
  } catch {
    if (await isLeft(path)) await rm(path, { force: true });
    return undefined;
  }
}

/** Whether its owner is gone. Two that find it so may both build: the one that comes first stands. */
async function isLeft(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return false;
  if (facts.mtimeMs < Date.now() - installMsMax) return true;
  const owner = Number(await readFile(path, 'utf8').catch(() => ''));
  return owner > 0 && !isAlive(owner);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
