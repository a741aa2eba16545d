import { join } from 'node:path';
import { execa } from 'execa';
import { pythonEnvironment as makeEnvironment, type PythonEnvironment } from '#core/platform/python.ts';

const project = join(import.meta.dirname, '..', '..');
/**
 * What foreign readers of the tables need, what indicators are compared with, what asks the API for anything, and dbt: kept
 * apart, as each is of use alone.
 */
const lockFiles = {
  readers: join(project, 'tests', 'python', 'requirements.lock'),
  indicators: join(project, 'tests', 'python', 'indicators.lock'),
  schemathesis: join(project, 'tests', 'python', 'schemathesis.lock'),
  dbt: join(project, 'transforms', 'requirements.lock'),
} as const;
export type PythonKind = keyof typeof lockFiles;

/** What to tell `requires` where there is no environment. */
export const pythonRemedy =
  'Install Python 3.10 or newer with venv, then run `node tests/support/install-python.ts`.';

const environments = new Map<PythonKind, Promise<PythonEnvironment | undefined>>();

/**
 * The Python of a kind. The first to ask makes it (half a minute); others wait for it.
 * Undefined, with a line on stderr that says why, where it cannot be made.
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
  return await makeEnvironment({ lockFile: lockFiles[kind], cacheDir: join(project, '.cache') });
}

/**
 * Runs a Python script, which reads its arguments as JSON from stdin and prints its result as JSON on the last line
 * of stdout. The caller vouches for the result's shape.
 *
 * @param script a path under tests/, like `engines/read_table.py`.
 */
export async function python<T>(script: string, args: unknown, kind: PythonKind = 'readers'): Promise<T> {
  const found = await pythonEnvironment(kind);
  if (found === undefined) throw new Error(pythonRemedy);
  const { stdout } = await execa(found.python, [join(project, 'tests', script)], {
    input: JSON.stringify(args, (_key, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    ),
    timeout: 300_000,
    env: { PYTHONWARNINGS: 'ignore', PYTHONDONTWRITEBYTECODE: '1' },
  });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as T;
}
