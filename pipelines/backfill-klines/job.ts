import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import { klines, tableId } from '#core/lake/tables.ts';
import { intervals } from '#core/market/interval.ts';
import { gapTasks } from '#pipelines/detect-gaps/wanted.ts';
import { Instant, instantUs } from '#pipelines/instant.ts';
import type { HistoryDeps } from '#pipelines/venue-deps.ts';
import { bundleTasks } from './bundle.ts';
import { backfillKlineTask } from './task.ts';

export const backfillKlinesParameters = Type.Object(
  {
    symbols: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 40 }), {
        ...{ minItems: 1, maxItems: 500, uniqueItems: true },
        description: 'Default: all of which something is missing.',
      }),
    ),
    intervals: Type.Optional(
      Type.Array(Type.Enum([...intervals]), {
        ...{ minItems: 1, uniqueItems: true },
        description: 'Default: all of which something is missing.',
      }),
    ),
    from: Type.Optional(Instant),
    to: Type.Optional(Instant),
    source: Type.Enum(['auto', 'rest', 'archive'], {
      default: 'auto',
      description: 'Where bars may come from; auto is the cheapest that has them.',
    }),
  },
  { additionalProperties: false },
);

export const backfillKlinesCard = {
  name: 'backfill-klines',
  description: 'Brings the bars that shall be complete and are missing.',
  parameters: backfillKlinesParameters,
  after: ['detect-gaps'],
} satisfies JobCard;

/** Filter 3 for bars as a job: a partition is what one commit brings, the most valuable first. */
export function backfillKlinesJob({ database, lake, openExchange, openArchive, spillDir }: HistoryDeps) {
  return defineJob({
    ...backfillKlinesCard,
    async plan(params, { signal }) {
      const { symbols, intervals, from, to, source: origin } = params;
      const exchange = await openExchange();
      try {
        const { source } = exchange;
        const tasks = await gapTasks(database, {
          ...{ table: tableId(klines), source },
          ...(symbols === undefined ? {} : { symbols }),
          ...(intervals === undefined ? {} : { intervals }),
        });
        const window = {
          fromUs: instantUs(from),
          toUs: instantUs(to),
          nowUs: await exchange.timeUs(signal),
        };
        return bundleTasks(tasks, window).map(({ key, description, cost, targets }, order) => ({
          ...{ key, description, order, weight: Math.max(1, cost), params: { targets, origin } },
        }));
      } finally {
        await exchange.close();
      }
    },
    async run({ params: { targets, origin } }, { signal, progress, finish }) {
      const exchange = await openExchange();
      try {
        return await backfillKlineTask({
          ...{ targets, origin, exchange, openArchive, lake, spillDir, signal, finish },
          progress: (done, total) => progress(done, total, 'bars'),
        });
      } finally {
        await exchange.close();
      }
    },
    concurrency: 2,
    timeoutMs: 3_600_000,
  });
}
