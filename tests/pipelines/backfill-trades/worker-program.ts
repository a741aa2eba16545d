/** A worker of the jobs in a process of its own, to be killed. Its options are the argument, as JSON. */
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { openJobs } from '#core/jobs/open.ts';
import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { openExchange } from '#core/exchanges/open.ts';
import { openLake } from '#core/lake/lake.ts';
import { openFileStore } from '#core/lake/object-store.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase } from '#core/platform/postgres/database.ts';
import { createJobs } from '#pipelines/catalogue.ts';

export interface WorkerSettings {
  databaseUrl: string;
  venueUrl: string;
  warehouse: string;
  spillDir: string;
  leaseMs: number;
}

const settings = JSON.parse(process.argv[2] ?? '') as WorkerSettings;
const logger = createLogger({ level: process.env['TEST_LOG'] ?? 'silent', name: 'worker' });
const metrics = new Metrics();
const database = openDatabase({
  ...{ url: settings.databaseUrl, setRole: 'ticklake_ingest', applicationName: 'worker', logger, metrics },
});
const store = await openFileStore(settings.warehouse);
const lake = openLake({ catalogName: 'ticklake', database, store, logger, metrics });
const ours = createJobs({
  ...{ database, lake, spillDir: settings.spillDir },
  openExchange: () => openExchange({ exchange: 'simulator', url: settings.venueUrl, logger, metrics }),
  openPython: () => Promise.reject(new Error('nothing is transformed here')),
  openArchive: () => openArchive({ location: settings.venueUrl, metrics }),
});
const jobs = await openJobs({ database, catalogue: createCatalogue(ours), logger, metrics });
jobs.startWorker({ concurrency: 2, leaseMs: settings.leaseMs, pollMs: 50 });
