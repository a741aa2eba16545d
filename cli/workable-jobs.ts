import { createCatalogue } from '#core/jobs/catalogue.ts';
import { openJobs, type Jobs } from '#core/jobs/open.ts';
import type { Worker } from '#core/jobs/worker.ts';
import type { Config } from '#core/platform/config.ts';
import { createJobs } from '#pipelines/catalogue.ts';
import { openTransformsPython } from '#pipelines/run-transforms/environment.ts';
import type { Runtime } from './runtime.ts';
import { budgetOf, openVenue, openVenueArchive } from './venue.ts';

const graceMs = 3_000;
const dayMs = 86_400_000;

/**
 * The jobs with their code, for a worker in this process. Venues are opened when a job asks, and share one budget of
 * request weight with all other processes on the same Postgres.
 */
export async function openWorkableJobs(runtime: Runtime): Promise<Jobs> {
  const { config, logger, metrics, lake, spillDir } = runtime;
  const { database } = runtime.connection;
  const jobs: Jobs = await openJobs({
    ...{ database, logger, metrics },
    catalogue: createCatalogue(
      createJobs({
        ...{ database, lake, spillDir },
        openExchange: () => openVenue(config, logger, metrics, jobs.budget),
        openArchive: () => openVenueArchive(config, metrics),
        openPython: (signal) =>
          openTransformsPython(config.dataDir, {
            ...(signal === undefined ? {} : { signal }),
            note: (line) => logger.info(line),
          }),
      }),
    ),
    defaultBudget: budgetOf(config),
  });
  return jobs;
}

/** A worker with the configured bounds. */
export function startWorker(jobs: Jobs, config: Config): Worker {
  const historyMs = config.jobsHistoryDays * dayMs;
  return jobs.startWorker({
    concurrency: config.jobsConcurrency,
    graceMs,
    retention: { runsMs: historyMs, ticksMs: historyMs },
  });
}
