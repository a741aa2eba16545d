import { join } from 'node:path';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { openExchange } from '#core/exchanges/open.ts';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { openJobs, type Jobs } from '#core/jobs/open.ts';
import { createLake } from '#core/lake/create.ts';
import { openFileStore } from '#core/lake/object-store.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { createJobs } from '#pipelines/catalogue.ts';

export interface JobPlace {
  /** Postgres. */
  url: string;
  /** The lake's folder. */
  dir: string;
  venueUrl: string;
}

/** All jobs on a test's lake and simulated venue, with the rights of ingest and one budget of request weight. */
export async function openHistoryJobs({
  url,
  dir,
  venueUrl,
}: JobPlace): Promise<Jobs & { database: Database }> {
  const logger = createLogger({ level: process.env['TEST_LOG'] ?? 'silent', name: 'test' });
  const metrics = new Metrics();
  const database = openDatabase({
    url,
    setRole: 'ticklake_ingest',
    applicationName: 'test',
    logger,
    metrics,
  });
  const store = await openFileStore(join(dir, 'warehouse'));
  const lake = await createLake({ catalogName: 'ticklake', database, store, logger, metrics });
  const jobs: Jobs = await openJobs({
    ...{ database, logger, metrics, defaultBudget: { perMinute: 5_000, burst: 1_000 } },
    catalogue: createCatalogue(
      createJobs({
        ...{ database, lake, spillDir: join(dir, `tmp-${process.pid}`) },
        openExchange: () =>
          openExchange({ exchange: 'simulator', url: venueUrl, logger, metrics, budget: jobs.budget }),
        openPython: () => Promise.reject(new Error('nothing is transformed here')),
        openArchive: () => openArchive({ location: venueUrl, metrics }),
      }),
    ),
  });
  return {
    ...jobs,
    database,
    async close() {
      await jobs.close();
      await database.close();
    },
  };
}
