import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import type { Lake } from '#core/lake/lake.ts';
import { intervals, isInterval } from '#core/market/interval.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { buildCandles } from './build.ts';
import { dueDays, groupDays, venueClock } from './due.ts';

const Day = Type.String({ description: 'A UTC day.', pattern: '^\\d{4}-\\d{2}-\\d{2}$' });

export const buildCandlesParameters = Type.Object(
  {
    symbols: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 40 }), {
        ...{ minItems: 1, maxItems: 500, uniqueItems: true },
        description: 'Default: all that the lake holds trades of.',
      }),
    ),
    intervals: Type.Array(Type.Enum([...intervals]), {
      default: [...intervals],
      minItems: 1,
      uniqueItems: true,
    }),
    from: Type.Optional(Day),
    to: Type.Optional(
      Type.String({ ...Day, description: "The last UTC day; default the venue's yesterday." }),
    ),
    all: Type.Boolean({ default: false, description: 'Also days whose trades have not changed since.' }),
  },
  { additionalProperties: false },
);

export const buildCandlesCard = {
  name: 'build-candles',
  description: 'Makes candles of the trades of days that are over, and revises those whose trades changed.',
  parameters: buildCandlesParameters,
  after: ['backfill-trades'],
} satisfies JobCard;

/** Candles as a job: a partition is a month of one source, or a part of it, and one commit. */
export function buildCandlesJob({
  database,
  lake,
  spillDir,
}: {
  database: Database;
  lake: Lake;
  spillDir: string;
}) {
  return defineJob({
    ...buildCandlesCard,
    async plan({ symbols, from, to, all, ...params }) {
      const { days, seq } = await dueDays(database, { symbols, fromDay: from, toDay: to, all });
      return groupDays(days).map((group) => ({
        ...{ key: group.key, weight: Math.max(1, group.ids), description: `${group.days.length} days` },
        params: { group, seq, intervals: params.intervals.filter(isInterval) },
      }));
    },
    async run({ params: { group, seq, intervals: wanted } }, { finish }) {
      const clock = await venueClock(database);
      return await buildCandles({
        ...{ lake, spillDir, group, seq, finish },
        intervals: wanted,
        closedUs: clock(group.source),
      });
    },
    concurrency: 2,
  });
}
