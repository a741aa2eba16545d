import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import { intervals, type Interval } from '#core/market/interval.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { listUniverse } from '#pipelines/discover-symbols/universe.ts';
import { Instant, instantUs } from '#pipelines/instant.ts';
import type { VenueDeps } from '#pipelines/venue-deps.ts';
import { detectGaps } from './detect.ts';

const Days = Type.Integer({ minimum: 0, maximum: 36_500 });

export const detectGapsParameters = Type.Object(
  {
    symbols: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 40 }), {
        ...{ minItems: 1, maxItems: 500, uniqueItems: true },
        description: 'Default: the universe.',
      }),
    ),
    intervals: Type.Array(Type.Enum([...intervals]), { default: ['1d'], uniqueItems: true }),
    trades: Type.Boolean({ default: false, description: 'Whether trades are wanted too.' }),
    days: Type.Optional(
      Type.Partial(
        Type.Object(
          Object.fromEntries([...intervals, 'trades' as const].map((what) => [what, Days])) as Record<
            Interval | 'trades',
            typeof Days
          >,
          { additionalProperties: false },
        ),
        { description: 'How many UTC days back each interval and trades are wanted, beside `intervals`.' },
      ),
    ),
    from: Type.Optional(Instant),
    to: Type.Optional(Instant),
  },
  { additionalProperties: false },
);

export const detectGapsCard = {
  name: 'detect-gaps',
  description: 'Says which bars and trades shall be complete, and what of them is missing.',
  parameters: detectGapsParameters,
  after: ['discover-symbols'],
} satisfies JobCard;

/**
 * Filter 2 as a job: one partition, which may be done again. What is missing is then read by `gapTasks`. Before any
 * market was chosen it has nothing to do.
 */
export function detectGapsJob({ database, openExchange }: VenueDeps) {
  return defineJob({
    ...detectGapsCard,
    plan: (params) => Promise.resolve([{ key: 'gaps', params }]),
    async run({ params }, { signal, metrics }) {
      const exchange = await openExchange();
      try {
        const { symbols, from, to, days = {} } = params;
        if (symbols === undefined && !(await hasUniverse(database, exchange.source))) {
          return { source: exchange.source, windows: 0, tasks: 0, missing: 0 };
        }
        const { source, wanted, tasks } = await detectGaps({
          ...{ exchange, database, metrics, signal, days },
          intervals: intervals.filter((one) => params.intervals.includes(one) || days[one] !== undefined),
          trades: params.trades || days.trades !== undefined,
          ...(symbols === undefined ? {} : { symbols }),
          ...(from === undefined ? {} : { fromUs: instantUs(from) }),
          ...(to === undefined ? {} : { toUs: instantUs(to) }),
        });
        const missing = tasks.reduce((sum, { count }) => sum + count, 0);
        return { source, windows: wanted.length, tasks: tasks.length, missing };
      } finally {
        await exchange.close();
      }
    },
    concurrency: 1,
    timeoutMs: 30 * 60_000,
  });
}

async function hasUniverse(database: Database, source: string): Promise<boolean> {
  return (await listUniverse(database, { source })).length > 0;
}
