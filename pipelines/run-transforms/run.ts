import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { tableId } from '#core/lake/tables.ts';
import type { Interval } from '#core/market/interval.ts';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { PythonEnvironment } from '#core/platform/python.ts';
import packageJson from '#package.json' with { type: 'json' };
import type { Artifacts } from './artifacts.ts';
import { dbtBuild } from './dbt.ts';
import { workFile, writeInputs } from './inputs.ts';
import { martsNamed } from './marts.ts';
import { isDue, planMarts, wholly, type MartPlan, type Plan } from './plan.ts';
import { publishMart } from './publish.ts';
import { recordRun, withExamples, type RecordedTest } from './record.ts';
import { hasFailed, verdictOf } from './verdict.ts';

export interface TransformDeps {
  lake: Lake;
  /** A folder for files on their way. */
  spillDir: string;
  /** Makes the environment that dbt runs in, or finds it. */
  openPython: (signal?: AbortSignal) => Promise<PythonEnvironment>;
}

export interface TransformRequest {
  /** Marts to make; default all. */
  models?: readonly string[] | undefined;
  intervals?: readonly Interval[] | undefined;
  /** All rows anew, whatever has changed. */
  fullRefresh?: boolean | undefined;
  logger: Logger;
  signal?: AbortSignal | undefined;
  progress?: ((done: number, total: number) => void) | undefined;
  /** Folder of the dbt project; default ours. */
  projectDir?: string | undefined;
}

/** What became of a mart. */
export interface MartReport {
  name: string;
  /** `published` where rows changed, `unchanged` where none did; `blocked` by a test, `failed` for another reason. */
  status: 'published' | 'unchanged' | 'blocked' | 'failed';
  /** Rows that were made again. */
  rows: number;
  ms: number;
  /** Of the commit that published it; null where there was none. */
  snapshotId: number | null;
  /** Why it was not published. */
  because: string | null;
}

export interface TransformReport {
  runId: string;
  /** Bars that were read. */
  bars: number;
  models: MartReport[];
  tests: { pass: number; warn: number; fail: number };
  /** Tests that did not pass, with a few of the rows. */
  failures: Pick<
    RecordedTest,
    'test' | 'relation' | 'column' | 'status' | 'failures' | 'message' | 'examples'
  >[];
}

const transformsDir = join(import.meta.dirname, '..', '..', 'transforms');
const memoryLimit = '1GB';
const dbtMemoryLimit = '2GB';
const attemptsMax = 2;

/**
 * Brings the marts to the newest state of the bars: dbt builds what changed, and tests it, then each mart that passed is
 * published in one commit of its own. A mart that failed a test stays as it was, and so do those made of it. Where nothing
 * has changed, nothing is done. A run that is killed leaves the marts as they were.
 * @throws PYTHON_MISSING, TRANSFORM_FAILED where dbt could not begin, and what making the environment throws.
 */
export async function runTransforms(
  deps: TransformDeps,
  request: TransformRequest,
): Promise<TransformReport> {
  const startedAt = new Date();
  const runId = randomUUID();
  const plan = await planMarts(deps.lake, { ...request, marts: martsNamed(request.models) });
  if (!plan.marts.some(isDue)) {
    const models = plan.marts.map(({ mart }) => unchanged(mart.model));
    return { runId, bars: 0, models, tests: { pass: 0, warn: 0, fail: 0 }, failures: [] };
  }
  const { python } = await deps.openPython(request.signal);
  const folder = join(deps.spillDir, `transform-${runId}`);
  try {
    const built = await build(deps, request, python, { folder, plan });
    return await publish(deps, request, built, { runId, startedAt });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The error that a report amounts to, where not all marts could be published. */
export function failureOf({ models, failures }: TransformReport): TicklakeError | undefined {
  const kept = models.filter(({ because }) => because !== null);
  if (kept.length === 0) return undefined;
  const [first] = kept;
  return new TicklakeError(
    'TRANSFORM_FAILED',
    `${kept.map(({ name }) => `features.${name}`).join(', ')} stayed as before: ${first?.because ?? ''}`,
    {
      remedy: 'See `ticklake lake quality`; mend the rows, or the model, and run the transforms again.',
      context: { models: kept, failures },
    },
  );
}

interface Built {
  plan: Plan;
  folder: string;
  bars: number;
  artifacts: Artifacts;
}

/** Lets dbt build what the plan says, and once more where it turns out that the SQL is not that of the rows which stay. */
async function build(
  { lake }: TransformDeps,
  request: TransformRequest,
  python: string,
  { folder: parent, plan: first }: { folder: string; plan: Plan },
): Promise<Built> {
  let plan = first;
  for (let attempt = 1; ; attempt++) {
    const folder = join(parent, String(attempt));
    await mkdir(folder, { recursive: true });
    const duck = await DuckDb.open({ threads: 2, memoryLimit, spillDir: join(folder, 'inputs') });
    const bars = await writeInputs(lake, duck, folder, plan).finally(() => duck.close());
    request.logger.info({ bars, marts: summaryOf(plan) }, 'the transforms have their inputs');
    const artifacts = await dbtBuild({
      ...{ python, folder, memoryLimit: dbtMemoryLimit, logger: request.logger },
      ...{ signal: request.signal, progress: request.progress },
      projectDir: request.projectDir ?? transformsDir,
      models: plan.marts.filter(isDue).map(({ mart }) => mart.model),
    });
    const stale = plan.marts.filter(({ mart, sqlSha256 }) => {
      const result = artifacts.models.get(mart.model);
      return sqlSha256 !== null && result !== undefined && result.sqlSha256 !== sqlSha256;
    });
    if (stale.length === 0 || attempt >= attemptsMax) return { plan, folder, bars, artifacts };
    const names = stale.map(({ mart }) => mart.model);
    request.logger.info({ marts: names }, 'the SQL of marts has changed: they are made wholly');
    plan = wholly(
      plan,
      stale.map(({ mart }) => mart),
    );
  }
}

async function publish(
  { lake }: TransformDeps,
  request: TransformRequest,
  { plan, folder, bars, artifacts }: Built,
  { runId, startedAt }: { runId: string; startedAt: Date },
): Promise<TransformReport> {
  const duck = await DuckDb.open({ threads: 2, memoryLimit, spillDir: join(folder, 'outputs') });
  try {
    await duck.run(`attach ${literal(workFile(folder))} as work (read_only)`);
    const tests = await withExamples(duck, artifacts.tests);
    const models: MartReport[] = [];
    for (const each of plan.marts) {
      request.signal?.throwIfAborted();
      const origin = { runId, sources: plan.sources, artifacts };
      models.push(
        isDue(each) ? await publishOne(lake, duck, each, origin, request.logger) : unchanged(each.mart.model),
      );
    }
    const codeVersion = packageJson.version;
    await recordRun(lake.database, { runId, codeVersion, startedAt, artifacts, marts: models, tests });
    tell(lake, request.logger, models, tests);
    return { runId, bars, models, tests: countTests(tests), failures: failuresOf(tests) };
  } finally {
    duck.close();
  }
}

async function publishOne(
  lake: Lake,
  duck: DuckDb,
  plan: MartPlan,
  { runId, sources, artifacts }: { runId: string; sources: Plan['sources']; artifacts: Artifacts },
  logger: Logger,
): Promise<MartReport> {
  const { model: name, table } = plan.mart;
  const result = artifacts.models.get(name);
  const startedMs = performance.now() - (result?.ms ?? 0);
  const ms = (): number => Math.round(performance.now() - startedMs);
  const { status, because } = verdictOf(plan.mart, artifacts);
  if (status !== 'ready') return { name, status, rows: 0, ms: ms(), snapshotId: null, because };
  try {
    const { rows, snapshotId } = await publishMart(lake, duck, {
      ...{ plan, sources, runId, invocationId: artifacts.invocationId },
      ...{ sqlSha256: result?.sqlSha256 ?? '', codeVersion: packageJson.version },
    });
    const published = snapshotId === null ? 'unchanged' : 'published';
    return { name, status: published, rows, ms: ms(), snapshotId, because: null };
  } catch (error) {
    // The others are published all the same.
    logger.error({ err: error, table: tableId(table) }, 'a mart could not be published');
    return { name, status: 'failed', rows: 0, ms: ms(), snapshotId: null, because: messageOf(error) };
  }
}

/** Raises the alarm where data are not as they should be. */
function tell(
  lake: Lake,
  logger: Logger,
  models: readonly MartReport[],
  tests: readonly RecordedTest[],
): void {
  const blocked = lake.metrics.gauge(
    'ticklake_transforms_blocked',
    'Whether the last run could not publish the mart',
    ['mart'],
  );
  const failures = lake.metrics.counter('ticklake_transforms_test_failures_total', 'Data tests that failed', [
    'relation',
    'severity',
  ]);
  for (const { name, because } of models) {
    blocked.set({ mart: name }, because === null ? 0 : 1);
    if (because !== null) logger.error({ mart: name, because }, 'a mart was not published');
  }
  for (const { test, relation, severity, status, failures: rows, examples } of tests) {
    if (status === 'pass' || status === 'skipped') continue;
    failures.inc({ relation, severity });
    logger[severity === 'error' ? 'error' : 'warn']({ test, relation, rows, examples }, 'a data test failed');
  }
}

function unchanged(name: string): MartReport {
  return { name, status: 'unchanged', rows: 0, ms: 0, snapshotId: null, because: null };
}

function countTests(tests: readonly RecordedTest[]): TransformReport['tests'] {
  const fail = tests.filter(hasFailed).length;
  const pass = tests.filter(({ status }) => status === 'pass').length;
  return { pass, fail, warn: tests.filter(({ status }) => status === 'warn').length };
}

function failuresOf(tests: readonly RecordedTest[]): TransformReport['failures'] {
  return tests
    .filter(({ status }) => status !== 'pass' && status !== 'skipped')
    .map(({ test, relation, column, status, failures, message, examples }) => ({
      ...{ test, relation, column, status, failures, message, examples },
    }));
}

function summaryOf(plan: Plan): object[] {
  return plan.marts.map(({ mart, whole, ranges }) => ({
    ...{ mart: mart.model, whole: [...whole], ranges: ranges.length },
  }));
}
