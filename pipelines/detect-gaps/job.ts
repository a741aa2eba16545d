import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import { intervals, isInterval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { listUniverse } from '#pipelines/discover-symbols/universe.ts';
import type { VenueDeps } from '#pipelines/venue-deps.ts';
import { detectGaps } from './detect.ts';

const Instant = Type.String({ description: 'A day or an instant in UTC.', minLength: 10, maxLength: 40 });

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
        const { symbols, from, to, trades } = params;
        if (symbols === undefined && !(await hasUniverse(database, exchange.source))) {
          return { source: exchange.source, windows: 0, tasks: 0, missing: 0 };
        }
        const { source, wanted, tasks } = await detectGaps({
          ...{ exchange, database, metrics, signal, trades },
          intervals: params.intervals.filter(isInterval),
          ...(symbols === undefined ? {} : { symbols }),
          ...(from === undefined ? {} : { fromUs: microseconds(from) }),
          ...(to === undefined ? {} : { toUs: microseconds(to) }),
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

function microseconds(time: string): number {
  const ms = Date.parse(time);
  if (!Number.isNaN(ms)) return ms * 1_000;
  throw new TicklakeError('BAD_REQUEST', `${time} is no time`, {
    remedy: 'Give a day or an instant, such as 2024-03-05 or 2024-03-05T12:00:00Z.',
  });
}
