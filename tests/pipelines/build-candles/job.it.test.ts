import { expect, onTestFinished, test } from 'vitest';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { waitForRun } from '#core/jobs/follow.ts';
import { openJobs } from '#core/jobs/open.ts';
import { listPartitions } from '#core/jobs/views.ts';
import { openLake } from '#core/lake/lake.ts';
import { openDatabase } from '#core/platform/postgres/database.ts';
import { createJobs } from '#pipelines/catalogue.ts';
import { openTestLake, tradeOf } from '#tests/support/lake.ts';
import { holdTrades } from './support.ts';

test('candles run as a job, with the rights of ingest, and a second run has nothing to do', async () => {
  const held = await openTestLake();
  onTestFinished(() => held.close());
  const { url, logger, metrics, lake, spillDir } = held;
  await holdTrades(
    held,
    Array.from({ length: 5_000 }, (_, i) => tradeOf('binance', 'BTCUSDT', i)),
  );
  const database = openDatabase({
    url,
    setRole: 'ticklake_ingest',
    applicationName: 'test',
    logger,
    metrics,
  });
  onTestFinished(() => database.close());
  const unused = () => Promise.reject(new Error('candles ask no venue'));
  const venue = { openExchange: unused, openArchive: unused, openPython: unused };
  const deps = { database, spillDir, lake: openLake({ ...lake, database }), ...venue };
  const jobs = await openJobs({
    database,
    catalogue: createCatalogue(createJobs(deps)),
    logger,
    metrics,
  });
  onTestFinished(() => jobs.close());
  const worker = jobs.startWorker({ pollMs: 20 });
  onTestFinished(() => worker.close());
  const run = async () => {
    const { runId } = await jobs.enqueue({ job: 'build-candles', params: {}, requestedBy: 'test' });
    expect(await waitForRun(database, runId, { timeoutMs: 30_000 })).toMatchObject({ state: 'succeeded' });
    return await listPartitions(database, runId);
  };

  expect(await run()).toMatchObject([
    { key: 'binance/2024-08', committed: { source: 'binance', days: 1, revised: 0 } },
  ]);
  expect(await run()).toEqual([]);
});
