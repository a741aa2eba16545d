import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import type { HistoryDeps } from '#pipelines/venue-deps.ts';
import { publishSignals } from './publish.ts';

export const publishSignalsCard = {
  name: 'publish-signals',
  description: 'Makes the table signals.signals what was said so far.',
  parameters: Type.Object({}, { additionalProperties: false }),
} satisfies JobCard;

/** What was said as a table of the lake: one partition, which may be done again. */
export function publishSignalsJob({ lake, spillDir }: Pick<HistoryDeps, 'lake' | 'spillDir'>) {
  return defineJob({
    ...publishSignalsCard,
    plan: () => Promise.resolve([{ key: 'signals', params: {} }]),
    run: () => publishSignals(lake, spillDir),
    concurrency: 1,
    timeoutMs: 10 * 60_000,
  });
}
