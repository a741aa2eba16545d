import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDb, literal } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { tableId } from '#core/lake/tables.ts';
import type { Interval } from '#core/market/interval.ts';
import { messageOf, toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { PythonEnvironment } from '#core/platform/python.ts';
import packageJson from '#package.json' with { type: 'json' };
import type { Artifacts } from './artifacts.ts';
import { dbtBuild } from './dbt.ts';
import { workFile, writeInputs } from './inputs.ts';
import { martsNamed } from './marts.ts';
import { isDue, planMarts, wholly, type MartPlan, type Plan } from './plan.ts';
import { projectHash, transformsDir } from './project.ts';
import { publishMart } from './publish.ts';
import { recordRun, withExamples } from './record.ts';
import { raiseAlarms, reportOf, unchanged, type MartReport, type TransformReport } from './report.ts';
import { makeMarts, type SparkEngine } from './spark/marts.ts';
import { verdictOf } from './verdict.ts';

export interface TransformDeps {
  lake: Lake;
  /** A folder for files on their way. */
  spillDir: string;
  /** Makes the environment that dbt runs in, or finds it. */
  openPython: (signal?: AbortSignal) => Promise<PythonEnvironment>;
  /** Runs the SQL of the marts in the place of DuckDB, which tests what comes of it all the same. */
  spark?: SparkEngine | undefined;
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
  const projectDir = request.projectDir ?? transformsDir;
  const plan = await planMarts(deps.lake, {
    ...{ ...request, marts: martsNamed(request.models) },
    projectSha256: await projectHash(projectDir),
  });
  if (!plan.marts.some(isDue)) {
    const models = plan.marts.map(({ mart }) => unchanged(mart));
    return reportOf({ runId, bars: 0, models, tests: [] });
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

interface Built {
  plan: Plan;
  folder: string;
  bars: number;
  artifacts: Artifacts;
}

/** Lets dbt build what the plan says, and once more where it turns out that the SQL is not that of the rows which stay. */
async function build(
  { lake, spark }: TransformDeps,
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
    const what = {
      ...{ folder, logger: request.logger, signal: request.signal },
      projectDir: request.projectDir ?? transformsDir,
      models: plan.marts.filter(isDue).map(({ mart }) => mart.model),
    };
    const madeIn = spark === undefined ? undefined : await makeMarts(lake, spark, plan, what);
    const artifacts = await dbtBuild({
      ...{ ...what, python, madeIn },
      ...{ memoryLimit: dbtMemoryLimit, progress: request.progress },
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
  { lake, spark }: TransformDeps,
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
      const origin = {
        runId,
        all: plan,
        artifacts,
        engine: spark === undefined ? 'duckdb' : 'spark',
      } as const;
      models.push(
        isDue(each) ? await publishOne(lake, duck, each, origin, request.logger) : unchanged(each.mart),
      );
    }
    const codeVersion = packageJson.version;
    await recordRun(lake.database, { runId, codeVersion, startedAt, artifacts, marts: models, tests });
    raiseAlarms(lake.metrics, request.logger, models, tests);
    return reportOf({ runId, bars, models, tests });
  } finally {
    duck.close();
  }
}

interface Origin {
  runId: string;
  all: Plan;
  artifacts: Artifacts;
  engine: 'duckdb' | 'spark';
}

async function publishOne(
  lake: Lake,
  duck: DuckDb,
  plan: MartPlan,
  { runId, all, artifacts, engine }: Origin,
  logger: Logger,
): Promise<MartReport> {
  const { mart } = plan;
  const result = artifacts.models.get(mart.model);
  const startedMs = performance.now() - (result?.ms ?? 0);
  const verdict = verdictOf(mart, artifacts);
  const kept = (status: 'blocked' | 'failed', because: string | null): MartReport => ({
    ...unchanged(mart),
    ...{ status, because, ms: Math.round(performance.now() - startedMs) },
  });
  if (verdict.status !== 'ready') return kept(verdict.status, verdict.because);
  try {
    const { rows, snapshotId } = await publishMart(lake, duck, {
      ...{
        plan,
        sources: all.sources,
        projectSha256: all.projectSha256,
        ...{ runId, engine },
        invocationId: artifacts.invocationId,
      },
      ...{ sqlSha256: result?.sqlSha256 ?? '', codeVersion: packageJson.version },
    });
    const status = snapshotId === null ? 'unchanged' : 'published';
    return { ...unchanged(mart), status, rows, snapshotId, ms: Math.round(performance.now() - startedMs) };
  } catch (error) {
    if (toTicklakeError(error).retryable) throw error;
    // The others are published all the same.
    logger.error({ err: error, table: tableId(mart.table) }, 'a mart could not be published');
    return kept('failed', messageOf(error));
  }
}

function summaryOf(plan: Plan): object[] {
  return plan.marts.map(({ mart, whole, ranges }) => ({
    ...{ mart: mart.model, whole: [...whole], ranges: ranges.length },
  }));
}
