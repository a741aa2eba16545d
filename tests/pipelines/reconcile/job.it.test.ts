import { expect, onTestFinished, test } from 'vitest';
import { createBinanceExchange } from '#core/exchanges/binance/exchange.ts';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { waitForRun } from '#core/jobs/follow.ts';
import { openJobs } from '#core/jobs/open.ts';
import { listPartitions } from '#core/jobs/views.ts';
import { openLake } from '#core/lake/lake.ts';
import { openDatabase } from '#core/platform/postgres/database.ts';
import { createJobs } from '#pipelines/catalogue.ts';
import { listFindings } from '#pipelines/reconcile/findings.ts';
import { openTimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import { openTestLake } from '#tests/support/lake.ts';
import { buildDue, holdTrades, tradesBetween } from '#tests/pipelines/build-candles/support.ts';
import { holdKlines } from './support.ts';

test('reconciliation runs as a job, with the rights of ingest, over the lake and over REST', async () => {
  const held = await openTestLake();
  onTestFinished(() => held.close());
  const venue = await openTimedVenue(42, '2024-03-05T10:00:00Z', { symbols: 3 });
  onTestFinished(() => venue.close());
  const { exchange, simulator } = venue;
  const [symbol = ''] = (await exchange.symbols()).map((market) => market.symbol);
  const fromUs = Date.parse('2024-03-04T12:00:00Z') * 1_000;
  const toUs = fromUs + 3_600_000_000;
  const bars = await exchange.klines({ symbol, interval: '1m', fromUs, toUs: toUs - 1, limit: 1_000 });
  const wrong = bars.map((bar, i) => (i === 30 ? { ...bar, high: '1000000.00000000' } : bar));
  await holdTrades(held, await tradesBetween(exchange, symbol, fromUs, toUs));
  await holdKlines(held, exchange.source, wrong);
  await buildDue(held);

  const { url, logger, metrics, lake, spillDir } = held;
  const database = openDatabase({
    url,
    setRole: 'ticklake_ingest',
    applicationName: 'test',
    logger,
    metrics,
  });
  onTestFinished(() => database.close());
  const { source, url: restUrl, wsUrl } = simulator;
  const deps = {
    ...{ database, spillDir, lake: openLake({ ...lake, database }) },
    openExchange: () => Promise.resolve(createBinanceExchange({ source, restUrl, wsUrl, logger, metrics })),
    openPython: () => Promise.reject(new Error('nothing is transformed here')),
    openArchive: () => Promise.reject(new Error('nothing is brought here')),
  };
  const jobs = await openJobs({ database, catalogue: createCatalogue(createJobs(deps)), logger, metrics });
  onTestFinished(() => jobs.close());
  const worker = jobs.startWorker({ pollMs: 20 });
  onTestFinished(() => worker.close());
  const params = { intervals: ['1m'], restWindows: 2, seed: 'a' };
  const { runId } = await jobs.enqueue({ job: 'reconcile', params, requestedBy: 'test' });
  expect(await waitForRun(database, runId, { timeoutMs: 60_000 })).toMatchObject({ state: 'succeeded' });

  const done = new Map((await listPartitions(database, runId)).map(({ key, committed }) => [key, committed]));
  expect(done.get('candles/1m/2024-03')).toMatchObject({ differences: 1 });
  expect(done.get('rest')).toMatchObject({ differences: expect.any(Number) as number });
  const found = await listFindings(database);
  expect(found.map(({ table, field, trusted }) => [table, field, trusted])).toEqual([
    ['market.candles', 'high', 'candles'],
    ['market.klines', 'high', 'rest'],
  ]);
});
