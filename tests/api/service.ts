import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '#api/app.ts';
import { openDuckReader } from '#api/duck-reader.ts';
import { lakeMarketData } from '#api/lake-market-data.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import type { TestLake } from '#tests/support/lake.ts';

/** The source the services of these tests are configured for. */
export const source = 'simulator:42';

export interface Service {
  app: FastifyInstance;
  metrics: Metrics;
  close(): Promise<void>;
}

/** A service on a test's lake and log, not listening. */
export async function openService(ground: TestLake, options: { staticDir?: string } = {}): Promise<Service> {
  const { lake, log, database } = ground;
  const logger = createLogger({ level: 'silent', name: 'api' });
  const metrics = new Metrics();
  const reader = await openDuckReader({ spillDir: join(ground.dir, 'api'), metrics });
  const app = await buildApp({
    marketData: lakeMarketData({ lake, reader }),
    log,
    logger,
    metrics,
    config: { apiHost: '127.0.0.1', exchange: 'simulator', simulatorSeed: 42 },
    checks: { postgres: () => database.ping(), log: () => log.ping() },
    ...options,
  });
  return {
    app,
    metrics,
    async close() {
      await app.close();
      reader.close();
    },
  };
}
