import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { pythonEnvironment, pythonRemedy } from './python.ts';

export const transforms = join(import.meta.dirname, '..', '..', 'transforms');
/** Models as dbt compiles them, which the product runs without dbt. */
export const rendered = join(transforms, 'rendered');
/** Steps that are relations of their own, or are run alone, beside the marts. */
const steps = ['int_parts', 'int_live_parts', 'int_merged_parts', 'int_bars', 'int_tails'];

/** What dbt compiles the marts and some steps to, by model. Throws where there is no dbt, and dbt's own words where a model is wrong. */
export async function compileRendered(): Promise<Map<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'ticklake-dbt-'));
  try {
    await runDbt(['--quiet', 'compile'], { profiles: transforms, folder });
    const compiled = join(folder, 'target', 'compiled', 'ticklake', 'models');
    const files = await readdir(compiled, { recursive: true });
    const paths = [
      // Beside the models lie their data tests, in folders of the files that declare them.
      ...files.filter((path) => /^(marts|live)\/(\w+\/)?\w+\.sql$/.test(path)),
      ...steps.map((name) => join('intermediate', `${name}.sql`)),
    ];
    const texts = await Promise.all(
      paths.map(async (path) => `${(await readFile(join(compiled, path), 'utf8')).trim()}\n`),
    );
    return new Map(paths.map((path, i) => [basename(path, '.sql'), texts[i] ?? '']));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What became of each model and test that dbt built, by its name without the project's. */
export async function buildIn(folder: string, database: string): Promise<Map<string, string>> {
  const duckdb = { type: 'duckdb', path: database, threads: 2, settings: { TimeZone: 'UTC' } };
  const profile = { ticklake: { target: 'duckdb', outputs: { duckdb } } };
  await writeFile(join(folder, 'profiles.yml'), JSON.stringify(profile));
  await runDbt(['--quiet', 'build'], { profiles: folder, folder, reject: false });
  const { results } = JSON.parse(await readFile(join(folder, 'target', 'run_results.json'), 'utf8')) as {
    results: { unique_id: string; status: string }[];
  };
  return new Map(
    results.map(({ unique_id: id, status }) => [id.split('.').slice(0, 3).toSpliced(1, 1).join('.'), status]),
  );
}

interface DbtRun {
  profiles: string;
  folder: string;
  reject?: boolean;
}

async function runDbt(
  command: readonly string[],
  { profiles, folder, reject = true }: DbtRun,
): Promise<void> {
  const environment = await pythonEnvironment('dbt');
  if (environment === undefined) throw new Error(pythonRemedy);
  const places = ['--project-dir', transforms, '--profiles-dir', profiles];
  const folders = ['--target-path', join(folder, 'target'), '--log-path', join(folder, 'logs')];
  // The environment was moved since it was made, so that its scripts do not find their interpreter.
  const dbt = ['-c', 'from dbt.cli.main import cli; cli()'];
  await execa(environment.python, [...dbt, ...command, ...places, ...folders], {
    ...{ timeout: 120_000, reject },
    env: { DBT_SEND_ANONYMOUS_USAGE_STATS: 'false', PYTHONDONTWRITEBYTECODE: '1' },
  });
}
