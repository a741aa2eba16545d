import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { buildApp, type AppOptions } from '#api/app.ts';
import { lakeBarData } from '#api/bar-data.ts';
import { lakeCandleData } from '#api/candle-data.ts';
import { openDuckReader } from '#api/duck-reader.ts';
import { lakeMarketData } from '#api/lake-market-data.ts';
import { lakePriceHistory } from '#api/price-history.ts';
import { createQueries } from '#api/query/queries.ts';
import { openSecretBox } from '#core/alerts/sealed.ts';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { openIdentity, type Identity } from '#core/identity/open.ts';
import type { JobCard } from '#core/jobs/job.ts';
import { openSandboxes } from '#core/lake/sandbox/open.ts';
import type { SandboxLimits } from '#core/lake/sandbox/process.ts';
import { lakeTables, type LakeTable } from '#core/lake/tables.ts';
import { openJobs } from '#core/jobs/open.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import type { TestLake } from '#tests/support/lake.ts';

/** The source the services of these tests are configured for. */
export const source = 'simulator:42';

export interface Service {
  app: FastifyInstance;
  metrics: Metrics;
  identity: Identity;
  database: Database;
  close(): Promise<void>;
}

export interface ServiceOptions {
  staticDir?: string;
  jobCards?: readonly JobCard[];
  config?: Partial<AppOptions['config']>;
  /** Of one query. */
  queryLimits?: Partial<SandboxLimits>;
  logger?: AppOptions['logger'];
  /** What may be queried. */
  tables?: readonly LakeTable[];
}

/** A service on a test's lake and log, with the rights of its role; not listening. */
export async function openService(ground: TestLake, options: ServiceOptions = {}): Promise<Service> {
  const { lake, log, url } = ground;
  const logger = createLogger({ level: process.env['TEST_LOG'] ?? 'silent', name: 'api' });
  const metrics = new Metrics();
  const setRole = 'ticklake_api';
  const database = openDatabase({ url, setRole, applicationName: 'api', logger, metrics });
  const reader = await openDuckReader({ name: 'test', spillDir: join(ground.dir, 'api'), metrics });
  const ownLake = { ...lake, database };
  const { jobCards = [], config, queryLimits, tables = lakeTables, ...rest } = options;
  const sandboxes = openSandboxes({
    folder: join(ground.dir, 'queries'),
    limits: { seconds: 30, memoryMb: 512, spillMb: 512, threads: 2, ...queryLimits },
    ...{ concurrency: 2, logger, metrics },
  });
  const jobs = await openJobs({ database, catalogue: createCatalogue(jobCards), logger, metrics });
  const identity = await openIdentity({ database, metrics, dataDir: ground.dir });
  const app = await buildApp({
    marketData: lakeMarketData({ lake: ownLake, reader }),
    bars: lakeBarData({ lake: ownLake, reader }),
    candles: lakeCandleData({ lake: ownLake, reader }),
    prices: lakePriceHistory({ lake: ownLake, reader }),
    queries: createQueries({ lake: ownLake, sandboxes, logger, metrics, tables }),
    log,
    jobs,
    database,
    identity,
    box: await openSecretBox({ dataDir: ground.dir }),
    logger,
    metrics,
    config: {
      ...{ apiHost: '127.0.0.1', apiNames: ['api.internal'], exchange: 'simulator', simulatorSeed: 42 },
      liveTrading: false,
      ...{ apiPublic: false, apiTrustedProxies: [], apiCorsOrigins: [], webhookPrivateNetworks: false },
      ...{ apiAddressRequests: 1_000_000, apiUserWeight: 1_000_000 },
      ...config,
    },
    checks: { postgres: () => database.ping(), log: () => log.ping() },
    ...rest,
  });
  return {
    app,
    metrics,
    identity,
    database,
    async close() {
      await app.close();
      reader.close();
      await jobs.close();
      await database.close();
    },
  };
}
