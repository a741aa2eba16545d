import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { pythonEnvironment, pythonRemedy } from './python.ts';

export const transforms = join(import.meta.dirname, '..', '..', 'transforms');
/** The marts as dbt compiles them, which the product runs without dbt. */
export const rendered = join(transforms, 'rendered');

/** What dbt compiles the marts to, by model. Throws where there is no dbt, and dbt's own words where a model is wrong. */
export async function compileMarts(): Promise<Map<string, string>> {
  const environment = await pythonEnvironment('dbt');
  if (environment === undefined) throw new Error(pythonRemedy);
  const folder = await mkdtemp(join(tmpdir(), 'ticklake-dbt-'));
  try {
    const places = ['--project-dir', transforms, '--profiles-dir', transforms];
    const paths = ['--target-path', join(folder, 'target'), '--log-path', join(folder, 'logs')];
    // The environment was moved since it was made, so that its scripts do not find their interpreter.
    const dbt = ['-c', 'from dbt.cli.main import cli; cli()'];
    await execa(environment.python, [...dbt, '--quiet', 'compile', ...places, ...paths], {
      timeout: 120_000,
      env: { DBT_SEND_ANONYMOUS_USAGE_STATS: 'false', PYTHONDONTWRITEBYTECODE: '1' },
    });
    const compiled = join(folder, 'target', 'compiled', 'ticklake', 'models', 'marts');
    const names = (await readdir(compiled)).filter((name) => name.endsWith('.sql'));
    const texts = await Promise.all(
      names.map(async (name) => `${(await readFile(join(compiled, name), 'utf8')).trim()}\n`),
    );
    return new Map(names.map((name, i) => [name.replace(/\.sql$/, ''), texts[i] ?? '']));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
