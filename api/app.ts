import websocket from '@fastify/websocket';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { tradesTopic } from '#core/market/topics.ts';
import type { Config } from '#core/platform/config.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import packageJson from '#package.json' with { type: 'json' };
import { createBreaker, guarded } from './breaker.ts';
import type { Check } from './health.ts';
import type { MarketData } from './market-data.ts';
import { openapi } from './plugins/openapi.ts';
import { page } from './plugins/page.ts';
import { problems } from './plugins/problems.ts';
import { requestMetrics } from './plugins/request-metrics.ts';
import { security } from './plugins/security.ts';
import { healthRoutes } from './routes/health.ts';
import { lakeRoutes } from './routes/lake.ts';
import { marketRoutes } from './routes/markets.ts';
import { streamRoutes } from './routes/stream.ts';
import { createHub } from './stream/hub.ts';
import { startTail } from './stream/tail.ts';

export interface AppOptions {
  marketData: MarketData;
  log: EventLog;
  logger: Logger;
  metrics: Metrics;
  config: Pick<Config, 'apiHost' | 'exchange' | 'simulatorSeed'>;
  /** What the service needs, for /health. */
  checks: Readonly<Record<string, Check>>;
  /** Folder of the built dashboard. */
  staticDir?: string;
}

const requestMs = 10_000;
const bodyBytesMax = 64 * 1024;
const pathParameterMax = 100;
const messageBytesMax = 32 * 1024;

/** The service, ready but not listening: a test injects requests, the process gives it a socket. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { log, metrics, config } = options;
  const logger: FastifyBaseLogger = options.logger;
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: requestMs,
    handlerTimeout: requestMs,
    bodyLimit: bodyBytesMax,
    routerOptions: { maxParamLength: pathParameterMax },
    forceCloseConnections: true,
    ajv: { customOptions: { removeAdditional: false } },
  }).withTypeProvider<TypeBoxTypeProvider>();

  const breaker = createBreaker('lake', metrics);
  const marketData = guarded(options.marketData, breaker);
  const hub = createHub(metrics);
  const defaultSource =
    config.exchange === 'simulator' ? `simulator:${config.simulatorSeed}` : config.exchange;

  // First, so that sockets of upgrades that later hooks refuse are closed.
  await app.register(websocket, { options: { maxPayload: messageBytesMax, perMessageDeflate: false } });
  await app.register(problems);
  await app.register(requestMetrics, { metrics });
  await app.register(security, { host: config.apiHost });
  await app.register(openapi, { version: packageJson.version });
  await app.register(healthRoutes, {
    checks: options.checks,
    breakers: [breaker],
    metrics,
    version: packageJson.version,
    stream: () => ({ tailing: hub.tailing, clients: app.websocketServer.clients.size }),
  });
  await app.register(marketRoutes, { marketData, live: hub, defaultSource, requestMs });
  await app.register(lakeRoutes, { marketData });
  await app.register(streamRoutes, {
    hub,
    log,
    topic: tradesTopic,
    defaultSource,
    logger: options.logger,
    metrics,
  });
  await app.register(page, { dir: options.staticDir });

  const tail = startTail({ log, topic: tradesTopic, logger: options.logger, listener: hub });
  app.addHook('onClose', async () => {
    hub.close();
    await tail.close();
  });
  return app;
}
