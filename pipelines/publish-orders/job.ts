import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import type { HistoryDeps } from '#pipelines/venue-deps.ts';
import { publishOrders } from './publish.ts';

export const publishOrdersCard = {
  name: 'publish-orders',
  description: 'Adds what has happened to orders to the table trading.order_events, under pseudonyms.',
  parameters: Type.Object({}, { additionalProperties: false }),
} satisfies JobCard;

/** Events of orders as a table of the lake: one partition, which may be done again. */
export function publishOrdersJob({ lake, spillDir }: Pick<HistoryDeps, 'lake' | 'spillDir'>) {
  return defineJob({
    ...publishOrdersCard,
    plan: () => Promise.resolve([{ key: 'orders', params: {} }]),
    run: (_, { signal }) => publishOrders(lake, spillDir, signal),
    concurrency: 1,
    timeoutMs: 10 * 60_000,
  });
}
