import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import { gapTasks } from '#pipelines/detect-gaps/wanted.ts';
import { Instant, instantUs } from '#pipelines/instant.ts';
import type { HistoryDeps } from '#pipelines/venue-deps.ts';
import { nothingBrought } from './report.ts';
import { backfillTradeTask } from './task.ts';

const oneDayUs = 86_400_000_000;

export const backfillTradesParameters = Type.Object(
  {
    symbols: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 40 }), {
        ...{ minItems: 1, maxItems: 500, uniqueItems: true },
        description: 'Default: all of which something is missing.',
      }),
    ),
    from: Type.Optional(Instant),
    to: Type.Optional(Instant),
    source: Type.Enum(['auto', 'rest', 'archive'], {
      default: 'auto',
      description: 'Where trades may come from; auto is the cheapest that has them.',
    }),
  },
  { additionalProperties: false },
);

export const backfillTradesCard = {
  name: 'backfill-trades',
  description: 'Brings the trades that shall be complete and are missing.',
  parameters: backfillTradesParameters,
  after: ['detect-gaps'],
} satisfies JobCard;

/** Filter 3 for trades as a job: a partition is what is missing of one listing's day, the most valuable first. */
export function backfillTradesJob({ database, lake, openExchange, openArchive, spillDir }: HistoryDeps) {
  return defineJob({
    ...backfillTradesCard,
    async plan({ symbols, from, to, source: origin }) {
      const exchange = await openExchange();
      const { source } = exchange;
      await exchange.close();
      const table = tableId(trades);
      const tasks = await gapTasks(database, {
        table,
        source,
        ...(symbols === undefined ? {} : { symbols }),
      });
      const [fromUs, toUs] = [instantUs(from) ?? -Infinity, instantUs(to) ?? Infinity];
      return tasks
        .filter(({ period }) => from === undefined || dayUs(period) + oneDayUs > fromUs)
        .filter(({ period }) => to === undefined || dayUs(period) < toUs)
        .map(({ key, symbol, period, count }, order) => ({
          ...{ key, order, weight: count, params: { source, symbol, key, origin } },
          description: `${symbol}, ${period}`,
        }));
    },
    async run({ params }, { signal, progress, finish }) {
      const { source, symbol, key, origin } = params;
      // What is missing by then: an attempt before this one may have brought a part of it.
      const tasks = await gapTasks(database, { table: tableId(trades), source, symbols: [symbol] });
      const task = tasks.find((candidate) => candidate.key === key);
      if (task === undefined) return nothingBrought;
      const exchange = await openExchange();
      try {
        return await backfillTradeTask({
          ...{ task, from: origin, exchange, openArchive, lake, spillDir, signal, finish },
          progress: (done, total) => progress(done, total, 'trades'),
        });
      } finally {
        await exchange.close();
      }
    },
    concurrency: 2,
    timeoutMs: 4 * 3_600_000,
  });
}

/** The begin of a UTC day; NaN where it is not known which day it is. */
function dayUs(period: string): number {
  return Date.parse(period) * 1_000;
}
