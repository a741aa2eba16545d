import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { SparkEnvironment } from './environment.ts';
import type { SparkCatalog } from './tables.ts';

export interface SparkMake {
  spark: SparkEnvironment;
  /** Folder of the dbt project. */
  projectDir: string;
  /** A folder for what is made. Executors on other machines must have it at the same path. */
  folder: string;
  /** Models to make, with all that they are made of. */
  models: readonly string[];
  catalog: SparkCatalog;
  /** SQL of the models' sources over that catalog, by the name that models have for them. */
  relations: Readonly<Record<string, string>>;
  logger: Logger;
  signal?: AbortSignal | undefined;
}

const dbtProgram = join(import.meta.dirname, '..', 'run_dbt.py');
const sparkProgram = join(import.meta.dirname, 'run_spark.py');
const compileMsMax = 600_000;
const makeMsMax = 6 * 3_600_000;
const killAfterMs = 5_000;
const wordsMax = 500;

/**
 * Makes models with Spark, each as Parquet in `<folder>/<schema>.<model>`: dbt compiles them, with the macros for Spark, and
 * Spark runs what comes of it.
 * @throws TRANSFORM_FAILED with Spark's words; the signal's reason.
 */
export async function makeWithSpark(make: SparkMake): Promise<void> {
  const models = await compileForSpark(make);
  const { spark, folder, relations, logger, signal } = make;
  const { password, ...catalog } = make.catalog;
  const asked = join(folder, 'spark.json');
  await writeFile(asked, JSON.stringify({ folder, jars: spark.jars, catalog, relations, models }));
  const program = execa(spark.python, [sparkProgram, asked], {
    ...{ reject: false, timeout: makeMsMax, forceKillAfterDelay: killAfterMs },
    ...(signal === undefined ? {} : { cancelSignal: signal }),
    env: {
      SPARK_CONF_DIR: spark.confDir,
      TICKLAKE_CATALOG_PASSWORD: password,
    },
    maxBuffer: { stderr: stderrMax },
    buffer: { stdout: false },
  });
  for await (const line of program.iterable({ from: 'stdout' })) logger.debug({ spark: line }, 'Spark');
  const ended = await program;
  signal?.throwIfAborted();
  if (!ended.failed) return;
  throw new TicklakeError('TRANSFORM_FAILED', `Spark did not make the marts: ${wordsOf(ended.stderr)}`, {
    remedy: 'The marts are as they were; --target duckdb makes the same.',
  });
}

const stderrMax = 1_000_000;

const Manifest = Type.Object({
  nodes: Type.Record(
    Type.String(),
    Type.Object({
      resource_type: Type.String(),
      schema: Type.String(),
      name: Type.String(),
      original_file_path: Type.String(),
      config: Type.Object({ materialized: Type.Optional(Type.String()) }),
      depends_on: Type.Object({ nodes: Type.Optional(Type.Array(Type.String())) }),
    }),
  ),
});

/** Files of SQL by the name of the relation that each is, what others are made of first. */
async function compileForSpark(make: SparkMake): Promise<Record<string, string>> {
  const { folder, projectDir, models } = make;
  const target = join(folder, 'target');
  const session = { type: 'spark', method: 'session', schema: 'default', host: 'NA' };
  const profile = { ticklake: { target: 'spark', outputs: { spark: session } } };
  await writeFile(join(folder, 'profiles.yml'), JSON.stringify(profile));
  const places = ['--project-dir', projectDir, '--profiles-dir', folder, '--target-path', target];
  const offline = ['--no-introspect', '--no-populate-cache', '--log-path', folder, '--log-format', 'text'];
  const selected = ['--select', ...models.map((model) => `+${model}`), '--indirect-selection', 'empty'];
  const dbt = await execa(
    make.spark.python,
    [dbtProgram, '--quiet', 'compile', ...places, ...offline, ...selected, '--no-use-colors'],
    {
      ...{ reject: false, timeout: compileMsMax, forceKillAfterDelay: killAfterMs, stdin: 'pipe' },
      ...(make.signal === undefined ? {} : { cancelSignal: make.signal }),
      env: { DBT_SEND_ANONYMOUS_USAGE_STATS: 'false' },
    },
  );
  make.signal?.throwIfAborted();
  if (dbt.failed) {
    throw new TicklakeError(
      'TRANSFORM_FAILED',
      `dbt did not compile for Spark: ${wordsOf(`${dbt.stderr}\n${dbt.stdout}`)}`,
      {
        remedy: 'The marts are as they were; --target duckdb does without Spark.',
      },
    );
  }
  const manifest: unknown = JSON.parse(await readFile(join(target, 'manifest.json'), 'utf8'));
  Value.Assert(Manifest, manifest);
  const compiled = join(target, 'compiled', 'ticklake');
  const found = new Map<string, string>();
  const visit = (id: string): void => {
    const node = manifest.nodes[id];
    if (node?.resource_type !== 'model') return;
    const name = `${node.schema}.${node.name}`;
    if (found.has(name)) return;
    for (const next of node.depends_on.nodes ?? []) visit(next);
    // What is ephemeral stands in the SQL of those made of it.
    if (node.config.materialized !== 'ephemeral') found.set(name, join(compiled, node.original_file_path));
  };
  for (const [id, node] of Object.entries(manifest.nodes)) if (models.includes(node.name)) visit(id);
  return Object.fromEntries(found);
}

/** What a program says was wrong, without the stack. */
function wordsOf(output: string): string {
  const lines = output
    .trim()
    .split('\n')
    .filter((line) => !/^\s+(at |File )/.test(line));
  const at = lines.findIndex((line) => /^(\w+\.)*\w*(Exception|Error): |^\s*\[[A-Z_.]+\] /.test(line));
  return lines.slice(at).join(' ').replaceAll(/\s+/g, ' ').slice(0, wordsMax);
}
