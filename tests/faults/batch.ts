import { onTestFinished } from 'vitest';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { openExchange } from '#core/exchanges/open.ts';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { waitForRun } from '#core/jobs/follow.ts';
import { openJobs } from '#core/jobs/open.ts';
import { listPartitions } from '#core/jobs/views.ts';
import { query } from '#core/lake/engine.ts';
import { openLake } from '#core/lake/lake.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase } from '#core/platform/postgres/database.ts';
import { createJobs } from '#pipelines/catalogue.ts';
import { gapTasks, type GapTask } from '#pipelines/detect-gaps/wanted.ts';
import { logger, openTimedVenue, type TimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import type { TestLake } from '#tests/support/lake.ts';
import { installPython } from '#tests/support/python.ts';

type Committed = Record<string, unknown>;

/** A simulated venue, and the shipped jobs that run against it and a lake. */
export interface Batch {
  readonly venue: TimedVenue;
  readonly source: string;
  /** Runs a job to its end; what its partitions committed. Throws where the run did not succeed. */
  run(job: string, params?: object): Promise<Committed[]>;
  /** Spoils the bulk archive, by the admin route. */
  spoil(fault: Record<string, unknown>): Promise<void>;
  /** What is wanted and neither held nor explained. */
  missing(): Promise<GapTask[]>;
  rows(sql: string): Promise<Record<string, unknown>[]>;
}

const runMsMax = 60_000;
/** The most liquid market has some ten thousand trades a day. */
const rate = 0.02;

/** Opens a venue at a time, with a worker beside it. `archive` is another place of the bulk archive than the venue's. */
export async function openBatch(
  lake: TestLake,
  seed: number,
  time: string,
  options: { archive?: string } = {},
): Promise<Batch> {
  const venue = await openTimedVenue(seed, time, { symbols: 40, rate });
  onTestFinished(() => venue.close());
  const { spillDir } = lake;
  const metrics = new Metrics();
  const role = { url: lake.url, setRole: 'ticklake_ingest', applicationName: 'test' };
  const database = openDatabase({ ...role, logger, metrics });
  const opened = openLake({ ...lake.lake, database, metrics });
  const catalogue = createCatalogue(
    createJobs({
      ...{ database, lake: opened, spillDir },
      openExchange: () => openExchange({ exchange: 'simulator', url: venue.simulator.url, logger, metrics }),
      openPython: () => installPython('dbt'),
      openArchive: () =>
        openArchive({ location: options.archive ?? venue.simulator.url, metrics, http: { maxRetries: 0 } }),
    }),
  );
  const jobs = await openJobs({ database, catalogue, logger, metrics });
  const worker = jobs.startWorker({ pollMs: 20 });
  onTestFinished(async () => {
    await worker.close();
    await jobs.close();
    await database.close();
  });
  const source = venue.simulator.source;
  return {
    venue,
    source,
    async run(job, params = {}) {
      const { runId } = await jobs.enqueue({ job, params, requestedBy: 'test' });
      const { state } = await waitForRun(database, runId, { timeoutMs: runMsMax });
      const partitions = await listPartitions(database, runId);
      if (state !== 'succeeded') throw new Error(`${job} ${state}: ${JSON.stringify(partitions)}`);
      return partitions.map(({ committed }) => (committed ?? {}) as Committed);
    },
    async spoil(fault) {
      const body = JSON.stringify(fault);
      const answer = await fetch(`${venue.simulator.url}/simulator/archive`, { method: 'POST', body });
      if (!answer.ok) throw new Error(await answer.text());
    },
    missing: () => gapTasks(database, { source }),
    rows: async (sql) => (await query(lake.lake, sql, { spillDir })).rows,
  };
}
