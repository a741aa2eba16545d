import { expect, onTestFinished, test } from 'vitest';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { waitForRun } from '#core/jobs/follow.ts';
import { openJobs } from '#core/jobs/open.ts';
import { listPartitions } from '#core/jobs/views.ts';
import { openLake } from '#core/lake/lake.ts';
import { openDatabase } from '#core/platform/postgres/database.ts';
import { createJobs } from '#pipelines/catalogue.ts';
import { openTestLake } from '#tests/support/lake.ts';
import { installPython, pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { bringBars, dayOf } from './support.ts';

const needsDbt = requires((await pythonEnvironment('dbt')) !== undefined, 'dbt', pythonRemedy);
const timeout = 300_000;

test('the transforms run as a job, with the rights of ingest', { ...needsDbt, timeout }, async () => {
  const ground = await openTestLake();
  onTestFinished(() => ground.close());
  const { url, logger, metrics, spillDir } = ground;
  const database = openDatabase({
    ...{ url, logger, metrics },
    setRole: 'ticklake_ingest',
    applicationName: 'test',
  });
  onTestFinished(() => database.close());
  const lake = openLake({ ...ground.lake, database });
  const unused = () => Promise.reject(new Error('no venue is asked'));
  const venue = { openExchange: unused, openArchive: unused };
  const openPython = () => installPython('dbt');
  const all = createJobs({ ...venue, database, lake, spillDir, openPython });
  const jobs = await openJobs({ database, catalogue: createCatalogue(all), logger, metrics });
  onTestFinished(() => jobs.close());
  const worker = jobs.startWorker({ pollMs: 20 });
  onTestFinished(() => worker.close());
  const run = async (params: object) => {
    const { runId } = await jobs.enqueue({ job: 'run-transforms', params, requestedBy: 'test' });
    const { state } = await waitForRun(database, runId, { timeoutMs: timeout });
    return { state, partitions: await listPartitions(database, runId) };
  };

  expect(await run({})).toEqual({ state: 'succeeded', partitions: [] });
  await bringBars(ground, { symbol: 'BTCUSDT', interval: '1d', fromUs: dayOf('2024-01-01'), bars: 20 });
  const { state, partitions } = await run({ models: ['labels'], intervals: ['1d'] });
  expect(state).toBe('succeeded');
  expect(partitions).toMatchObject([
    { key: 'marts', committed: { bars: 20, models: [{ name: 'labels', status: 'published', rows: 20 }] } },
  ]);
  // The same is asked for again, and there is nothing to do.
  expect(await run({ models: ['labels'] })).toMatchObject({ state: 'succeeded', partitions: [] });
});
