import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSecretBox } from '#core/alerts/sealed.ts';
import { openIdentity } from '#core/identity/open.ts';
import type { JobCard } from '#core/jobs/job.ts';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { openJobs } from '#core/jobs/open.ts';
import { currentFiles } from '#core/lake/scan.ts';
import type { Lake } from '#core/lake/lake.ts';
import type { SandboxLimits } from '#core/lake/sandbox/process.ts';
import { openSandboxes } from '#core/lake/sandbox/open.ts';
import { trades } from '#core/lake/tables.ts';
import type { Config } from '#core/platform/config.ts';
import { isTicklakeError, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { buildApp } from './app.ts';
import { lakeBarData } from './bar-data.ts';
import { createBreaker } from './breaker.ts';
import { lakeCandleData } from './candle-data.ts';
import { openDuckReader, type DuckReader } from './duck-reader.ts';
import { filesUnreadable, guardedDatabase } from './guarded.ts';
import { lakeMarketData } from './lake-market-data.ts';
import { lakePriceHistory } from './price-history.ts';
import { createQueries } from './query/queries.ts';

export interface ApiOptions {
  config: Config;
  logger: Logger;
  metrics: Metrics;
  database: Database;
  log: EventLog;
  lake: Lake;
  /** A folder for DuckDB to spill to. */
  spillDir: string;
  /** The jobs that can be asked for, run by another process; default none. */
  jobCards?: readonly JobCard[];
}

export interface RunningApi {
  url: string;
  close(): Promise<void>;
}

const dashboard = fileURLToPath(new URL('../dashboards/web/dist', import.meta.url));
const loopback = ['127.0.0.1', '::1', 'localhost'];

/**
 * Runs the service on a socket until it is closed; what it is given stays open.
 * @throws PORT_IN_USE; CONFIG_INVALID for an address other than loopback, outside a container and where the service is not public.
 */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { config, logger, metrics, log, lake, jobCards = [] } = options;
  if (!config.apiInsideContainer && !config.apiPublic && !loopback.includes(config.apiHost)) {
    throw new TicklakeError(
      'CONFIG_INVALID',
      `the API may not listen on ${config.apiHost}: all who reach it may run jobs`,
      {
        remedy:
          'Leave apiHost at 127.0.0.1, set apiInsideContainer where the port is published on loopback only, or apiPublic.',
      },
    );
  }
  metrics.collectProcess();
  const breaker = createBreaker('postgres', metrics);
  const database = guardedDatabase(options.database, breaker);
  const { dataDir, sessionKeyFile, webhookKeyFile } = config;
  const box = await openSecretBox({ dataDir, keyFile: webhookKeyFile });
  const identity = await openIdentity({ database, metrics, dataDir, keyFile: sessionKeyFile });
  const jobs = await openJobs({ database, catalogue: createCatalogue(jobCards), logger, metrics });
  const openReader = (name: string, memoryLimit: string): Promise<DuckReader> =>
    openDuckReader({ name, spillDir: join(options.spillDir, `api-${name}`), metrics, memoryLimit });
  const reader = await openReader('lake', '512MB');
  // Of its own, so that a chart does not wait for statements over a day of all markets.
  const charts = await openReader('charts', '256MB');
  const figures = await openReader('prices', '256MB');
  const sandboxes = openSandboxes({
    ...{ folder: join(options.spillDir, 'queries'), limits: queryLimits(config) },
    ...{ concurrency: config.queryConcurrency, logger, metrics },
  });
  const app = await buildApp({
    marketData: lakeMarketData({ lake, reader }),
    bars: lakeBarData({ lake, reader }),
    candles: lakeCandleData({ lake, reader: charts }),
    prices: lakePriceHistory({ lake, reader: figures }),
    queries: createQueries({ lake, sandboxes, logger, metrics }),
    log,
    jobs,
    database: options.database,
    breaker,
    identity,
    box,
    logger,
    metrics,
    config,
    checks: {
      postgres: () => options.database.ping(),
      log: () => log.ping(),
      lake: async () => {
        const none = { filter: [{ column: 'symbol', op: '=', value: '' }] } as const;
        const { metadataLocation } = await currentFiles(lake, trades, none);
        if (!(await lake.store.exists(metadataLocation))) throw filesUnreadable();
      },
    },
    staticDir: dashboard,
  });
  const close = async (): Promise<void> => {
    await app.close();
    reader.close();
    charts.close();
    figures.close();
    await jobs.close();
  };
  try {
    await app.listen({ host: config.apiHost, port: config.apiPort });
  } catch (error) {
    await close();
    throw listenError(error, config);
  }
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.apiPort;
  const host = loopback.includes(config.apiHost) ? config.apiHost : '127.0.0.1';
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  logger.info({ url }, 'the API listens');
  return { url, close };
}

function queryLimits({ querySeconds, queryMemoryMb, querySpillMb }: Config): SandboxLimits {
  return { seconds: querySeconds, memoryMb: queryMemoryMb, spillMb: querySpillMb, threads: 2 };
}

function listenError(error: unknown, config: Config): TicklakeError {
  const known = toTicklakeError(error);
  if (!isTicklakeError(known, 'PORT_IN_USE')) return known;
  return new TicklakeError('PORT_IN_USE', `port ${config.apiPort} of ${config.apiHost} is taken`, {
    cause: error,
    remedy: 'Stop what listens there, or choose another port (--port N; 0 takes a free one).',
  });
}
