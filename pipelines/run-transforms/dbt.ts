import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa, ExecaError } from 'execa';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import { readArtifacts, type Artifacts } from './artifacts.ts';
import { workFile } from './inputs.ts';

export interface DbtRequest {
  /** An interpreter that has dbt. */
  python: string;
  /** Folder of the dbt project. */
  projectDir: string;
  /** Folder of the run, with the database that dbt works in. */
  folder: string;
  /** Models to build, with all that they are made of. */
  models: readonly string[];
  memoryLimit: string;
  /** Folder of Parquet in which another engine has made the marts already: dbt takes them from there, and tests them. */
  madeIn?: string | undefined;
  logger: Logger;
  signal?: AbortSignal | undefined;
  /** Called as models and tests end. */
  progress?: ((done: number, total: number) => void) | undefined;
}

const program = join(import.meta.dirname, 'run_dbt.py');
const buildMsMax = 3_600_000;
const killAfterMs = 5_000;
const wordsMax = 500;

/**
 * Builds models and runs their data tests. What of it failed is in the answer; rows that failed a test are kept in the
 * database.
 * @throws TRANSFORM_FAILED where dbt could not begin, as with a model that is no SQL; UNAVAILABLE when it was killed; the
 *   signal's reason.
 */
export async function dbtBuild(request: DbtRequest): Promise<Artifacts> {
  const { folder, projectDir, models, madeIn, logger, signal } = request;
  const target = join(folder, 'target');
  await writeProfile(request);
  const places = ['--project-dir', projectDir, '--profiles-dir', folder, '--target-path', target];
  const logs = [
    '--log-format',
    'json',
    '--log-level',
    'info',
    '--log-level-file',
    'none',
    '--log-path',
    folder,
  ];
  const selected = ['--select', ...models.map((model) => `+${model}`), '--indirect-selection', 'cautious'];
  const what = ['--exclude-resource-type', 'unit_test', '--store-failures', '--no-use-colors'];
  const vars = madeIn === undefined ? [] : ['--vars', JSON.stringify({ marts_made_in: madeIn })];
  const dbt = execa(request.python, [program, 'build', ...places, ...logs, ...selected, ...what, ...vars], {
    ...{ reject: false, timeout: buildMsMax, forceKillAfterDelay: killAfterMs },
    ...(signal === undefined ? {} : { cancelSignal: signal }),
    env: { DBT_SEND_ANONYMOUS_USAGE_STATS: 'false' },
    buffer: { stdout: false },
  });
  const words: string[] = [];
  for await (const line of dbt.iterable({ from: 'stdout' })) {
    const event = eventOf(line);
    if (event?.level === 'error') words.push(event.msg);
    pass(event, line, logger, request.progress);
  }
  const ended = await dbt;
  signal?.throwIfAborted();
  if (ended.signal !== undefined) {
    throw new TicklakeError('UNAVAILABLE', `dbt was ended by ${ended.signal}`, {
      remedy: 'Try again; where memory is short, give less to other programs.',
    });
  }
  const artifacts = await readArtifacts(target).catch(() => undefined);
  if (artifacts !== undefined) return artifacts;
  throw new TicklakeError('TRANSFORM_FAILED', `dbt did not run: ${wordsOf(words, ended)}`, {
    remedy: 'See its log lines above; the marts are as they were.',
  });
}

/** JSON is YAML as well. */
async function writeProfile({ folder, memoryLimit }: DbtRequest): Promise<void> {
  const settings = {
    ...{ TimeZone: 'UTC', memory_limit: memoryLimit, temp_directory: join(folder, 'spill') },
    ...{ preserve_insertion_order: false, autoinstall_known_extensions: false },
  };
  const duckdb = { type: 'duckdb', path: workFile(folder), threads: 2, settings };
  await writeFile(
    join(folder, 'profiles.yml'),
    JSON.stringify({ ticklake: { target: 'duckdb', outputs: { duckdb } } }),
  );
}

interface DbtEvent {
  name: string;
  level: string;
  msg: string;
  index: number | undefined;
  total: number | undefined;
}

function eventOf(line: string): DbtEvent | undefined {
  try {
    const { info, data } = JSON.parse(line) as {
      info: { name: string; level: string; msg: string };
      data?: { index?: number; total?: number };
    };
    return { ...info, index: data?.index, total: data?.total };
  } catch {
    return undefined;
  }
}

function pass(
  event: DbtEvent | undefined,
  line: string,
  logger: Logger,
  progress: DbtRequest['progress'],
): void {
  if (event === undefined) {
    logger.debug({ dbt: line }, 'dbt said what is no event');
    return;
  }
  // What became of models and tests is told in our words, with examples.
  const isOutcome = /^(Log\w+Result|RunResult\w*|Log\w*Error)$/.test(event.name);
  logger[event.level === 'error' && !isOutcome ? 'warn' : 'debug']({ dbt: event.name }, event.msg);
  const { index, total } = event;
  const hasEnded = /^Log(Model|Test|NodeNoOp|Skip|Seed|Snapshot)\w*(Result|Error)$/.test(event.name);
  if (hasEnded && index !== undefined && total !== undefined) progress?.(index, total);
}

function wordsOf(words: readonly string[], ended: unknown): string {
  const stderr = ended instanceof ExecaError ? String(ended.stderr) : '';
  const said = words.length > 0 ? words.join(' ') : (stderr.trim().split('\n').at(-1) ?? '');
  return said.replaceAll(/\s+/g, ' ').slice(0, wordsMax);
}
