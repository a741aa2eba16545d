import { expect, onTestFinished, test } from 'vitest';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { waitForRun } from '#core/jobs/follow.ts';
import { openJobs } from '#core/jobs/open.ts';
import { listPartitions } from '#core/jobs/views.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase } from '#core/platform/postgres/database.ts';
import { detectGapsJob } from '#pipelines/detect-gaps/job.ts';
import { gapTasks } from '#pipelines/detect-gaps/wanted.ts';
import { discoverSymbolsJob } from '#pipelines/discover-symbols/job.ts';
import { createBinanceExchange } from '#core/exchanges/binance/exchange.ts';
import { logger, openTimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import { startMigratedPostgres } from '#tests/support/postgres.ts';

test('both filters run as jobs, with the rights of ingest', async () => {
  const postgres = await startMigratedPostgres();
  onTestFinished(() => postgres.close());
  const venue = await openTimedVenue(6_100, '2024-03-05T10:00:00Z', { life: 'eventful' });
  onTestFinished(() => venue.close());
  const metrics = new Metrics();
  const database = openDatabase({
    ...{ url: postgres.url, setRole: 'ticklake_ingest', applicationName: 'test', logger, metrics },
  });
  onTestFinished(() => database.close());
  const { source, url: restUrl, wsUrl } = venue.simulator;
  const openExchange = () =>
    Promise.resolve(createBinanceExchange({ source, restUrl, wsUrl, logger, metrics }));
  const deps = { database, openExchange };
  const catalogue = createCatalogue([discoverSymbolsJob(deps), detectGapsJob(deps)]);
  const jobs = await openJobs({ database, catalogue, logger, metrics });
  onTestFinished(() => jobs.close());
  const worker = jobs.startWorker({ pollMs: 20 });
  onTestFinished(() => worker.close());
  const ask = async (job: string, params: object) => {
    const { runId } = await jobs.enqueue({ job, params, requestedBy: 'test' });
    expect(await waitForRun(database, runId, { timeoutMs: 30_000 })).toMatchObject({ state: 'succeeded' });
    return (await listPartitions(database, runId))[0]?.committed;
  };

  expect(await ask('discover-symbols', { top: 3 })).toMatchObject({ source, chosen: 3 });
  const found = await ask('detect-gaps', { intervals: ['1d', '1h'], trades: true, from: '2024-03-04' });
  // Of each market two intervals, and the trades of two days.
  const tasks = await gapTasks(database, { source });
  expect(found).toMatchObject({ source, windows: 12, tasks: tasks.length });
  expect(tasks).toHaveLength(12);
});
