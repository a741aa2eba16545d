import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import type { HistoryDeps } from '#pipelines/venue-deps.ts';
import { publishSymbols } from './publish.ts';

export const publishSymbolsCard = {
  name: 'publish-symbols',
  description: 'Makes the table market.symbols the universe as it is known.',
  parameters: Type.Object({}, { additionalProperties: false }),
  after: ['discover-symbols'],
} satisfies JobCard;

/** The universe as a table of the lake: one partition, which may be done again. */
export function publishSymbolsJob({ lake, spillDir }: Pick<HistoryDeps, 'lake' | 'spillDir'>) {
  return defineJob({
    ...publishSymbolsCard,
    plan: () => Promise.resolve([{ key: 'symbols', params: {} }]),
    run: () => publishSymbols(lake, spillDir),
    concurrency: 1,
    timeoutMs: 10 * 60_000,
  });
}
