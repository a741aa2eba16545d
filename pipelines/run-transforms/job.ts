import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import { intervals, isInterval } from '#core/market/interval.ts';
import type { HistoryDeps } from '#pipelines/venue-deps.ts';
import { marts, martsNamed } from './marts.ts';
import { isDue, planMarts } from './plan.ts';
import { projectHash, transformsDir } from './project.ts';
import { failureOf } from './report.ts';
import { runTransforms } from './run.ts';

export const runTransformsParameters = Type.Object(
  {
    models: Type.Optional(
      Type.Array(Type.Enum(marts.map(({ model }) => model)), {
        ...{ minItems: 1, uniqueItems: true },
        description: 'Marts to make; default all.',
      }),
    ),
    intervals: Type.Optional(
      Type.Array(Type.Enum([...intervals]), {
        ...{ minItems: 1, uniqueItems: true },
        description: 'Default: all that there are bars of.',
      }),
    ),
    fullRefresh: Type.Boolean({ default: false, description: 'All rows anew, whatever has changed.' }),
  },
  { additionalProperties: false },
);

export const runTransformsCard = {
  name: 'run-transforms',
  description:
    'Brings indicators and the other marts to the newest state of the bars, tests them, and publishes them.',
  parameters: runTransformsParameters,
  after: ['backfill-klines', 'build-candles'],
} satisfies JobCard;

/** The transforms as a job: one partition, as dbt builds all marts at once; none where nothing has changed. */
export function runTransformsJob({
  lake,
  spillDir,
  openPython,
}: Pick<HistoryDeps, 'lake' | 'spillDir' | 'openPython'>) {
  return defineJob({
    ...runTransformsCard,
    async plan({ models, fullRefresh, ...params }) {
      const wanted = { fullRefresh, intervals: params.intervals?.filter(isInterval) };
      const projectSha256 = await projectHash(transformsDir);
      const plan = await planMarts(lake, { ...wanted, marts: martsNamed(models), projectSha256 });
      return plan.marts.some(isDue) ? [{ key: 'marts', params: { ...wanted, models } }] : [];
    },
    async run({ params }, { logger, signal, progress }) {
      const report = await runTransforms(
        { lake, spillDir, openPython },
        { ...params, logger, signal, progress: (done, total) => progress(done, total, 'models and tests') },
      );
      const failure = failureOf(report);
      if (failure !== undefined) throw failure;
      // Rows that tests only warn of are in quality.tests.
      const { runId, bars, models, tests } = report;
      return { runId, bars, models, tests };
    },
    concurrency: 1,
    attempts: 3,
    timeoutMs: 2 * 3_600_000,
  });
}
