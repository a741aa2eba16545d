import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import type { HistoryDeps } from '#pipelines/venue-deps.ts';
import { findIncidents } from './find.ts';

export const incidentDays = 30;

export const incidentsParameters = Type.Object(
  {
    days: Type.Integer({
      ...{ minimum: 1, maximum: 3_650, default: incidentDays },
      description: 'Days of minute bars that are looked at, back from the newest.',
    }),
  },
  { additionalProperties: false },
);

export const incidentsCard = {
  name: 'incidents',
  description:
    'Finds outages, halts, ends and begins of markets, and says of missing bars that they are why.',
  parameters: incidentsParameters,
} satisfies JobCard;

/** The incident ledger as a job: one partition, which may be done again. */
export function incidentsJob({ lake, openExchange, spillDir }: HistoryDeps) {
  return defineJob({
    ...incidentsCard,
    plan: (params) => Promise.resolve([{ key: 'incidents', params }]),
    async run({ params: { days } }) {
      const exchange = await openExchange();
      const { source } = exchange;
      await exchange.close();
      const { found, added, corrected, explained } = await findIncidents({ lake, source, spillDir, days });
      return { source, found: found.length, added, corrected, explained };
    },
    concurrency: 1,
    timeoutMs: 30 * 60_000,
  });
}
