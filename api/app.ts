import websocket from '@fastify/websocket';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { SecretBox } from '#core/alerts/sealed.ts';
import type { Identity } from '#core/identity/open.ts';
import type { Jobs } from '#core/jobs/open.ts';
import { sourceOf } from '#core/market/source.ts';
import type { Config } from '#core/platform/config.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import packageJson from '#package.json' with { type: 'json' };
import type { BarData } from './bar-data.ts';
import {
  createBreaker,
  type Breaker,
  guarded,
  guardedBars,
  guardedCandles,
  guardedPrices,
} from './breaker.ts';
import type { CandleData } from './candle-data.ts';
import { guardedDatabase, guardedReads, overFiles } from './guarded.ts';
import type { Check } from './health.ts';
import { lazySerializers } from './lazy-serializers.ts';
import type { MarketData } from './market-data.ts';
import type { PriceHistory } from './price-history.ts';
import { asyncapi } from './plugins/asyncapi.ts';
import { authenticate } from './plugins/authenticate.ts';
import { lastAnswers } from './plugins/last-answers.ts';
import { openapi } from './plugins/openapi.ts';
import { page } from './plugins/page.ts';
import { problems } from './plugins/problems.ts';
import { requestMetrics } from './plugins/request-metrics.ts';
import { security } from './plugins/security.ts';
import { text } from './plugins/text.ts';
import type { Queries } from './query/queries.ts';
import { createRateLimits } from './rate-limits.ts';
import { analyticsRoutes } from './routes/analytics.ts';
import { alertRoutes } from './routes/alerts.ts';
import { apiKeyRoutes } from './routes/api-keys.ts';
import { auditRoutes } from './routes/audit.ts';
import { barRoutes } from './routes/bars.ts';
import { candleRoutes } from './routes/candles.ts';
import { healthRoutes } from './routes/health.ts';
import { jobRunRoutes } from './routes/job-runs.ts';
import { jobRoutes } from './routes/jobs.ts';
import { lakeRoutes } from './routes/lake.ts';
import { marketRoutes } from './routes/markets.ts';
import { queryRoutes } from './routes/query.ts';
import { portfolioHistoryRoutes } from './routes/portfolio-history.ts';
import { proposalRoutes } from './routes/proposals.ts';
import { priceAlertRoutes } from './routes/price-alerts.ts';
import { reportRoutes } from './routes/reports.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { signalRoutes } from './routes/signals.ts';
import { streamRoutes } from './routes/stream.ts';
import { tradingRoutes } from './routes/trading.ts';
import { userRoutes } from './routes/users.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { createAlertFeed } from './stream/alert-feed.ts';
import { liveTrades, openLiveChannels } from './stream/live-channels.ts';
import { createPortfolioFeed } from './stream/portfolio-feed.ts';
import { RunFeed } from './stream/run-feed.ts';
import { openTrading } from './trading/open.ts';

export type ApiConfig = Pick<
  Config,
  | ('apiPublic' | 'apiHost' | 'apiNames' | 'apiTrustedProxies' | 'apiCorsOrigins')
  | ('apiAddressRequests' | 'apiUserWeight')
  | ('exchange' | 'simulatorSeed' | 'liveTrading')
  | 'webhookPrivateNetworks'
>;

export interface AppOptions {
  marketData: MarketData;
  bars: BarData;
  candles: CandleData;
  prices: PriceHistory;
  queries: Queries;
  log: EventLog;
  /** To ask for runs of jobs, and where they are read. */
  jobs: Jobs;
  database: Database;
  identity: Identity;
  /** What secrets of webhooks are sealed with. */
  box: SecretBox;
  logger: Logger;
  metrics: Metrics;
  config: ApiConfig;
  /** Of Postgres, where others share it; default one of its own. */
  breaker?: Breaker;
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
  const { log, jobs, identity, metrics, config } = options;
  const { breaker: postgres = createBreaker('postgres', metrics) } = options;
  const database = guardedDatabase(options.database, postgres);
  const logger: FastifyBaseLogger = options.logger;
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: requestMs,
    handlerTimeout: requestMs,
    bodyLimit: bodyBytesMax,
    trustProxy: config.apiTrustedProxies.length > 0 ? [...config.apiTrustedProxies] : false,
    routerOptions: { maxParamLength: pathParameterMax },
    forceCloseConnections: true,
    ajv: { customOptions: { removeAdditional: false } },
    schemaController: { compilersFactory: { buildSerializer: lazySerializers } },
  }).withTypeProvider<TypeBoxTypeProvider>();

  const files = overFiles(createBreaker('lake', metrics));
  const breakers = { postgres, files };
  const logBreaker = createBreaker('log', metrics);
  const marketData = guarded(options.marketData, breakers);
  const channels = openLiveChannels({ log, logger: options.logger, metrics });
  const feed = new RunFeed({ database, logger: options.logger, metrics });
  const defaultSource = sourceOf(config);
  const liveSource = config.liveTrading ? defaultSource : undefined;

  // First, so that sockets of upgrades that later hooks refuse are closed.
  await app.register(websocket, { options: { maxPayload: messageBytesMax, perMessageDeflate: false } });
  await app.register(problems);
  await app.register(requestMetrics, { metrics });
  const { apiCorsOrigins: origins, apiPublic: isPublic } = config;
  await app.register(security, { host: config.apiHost, names: config.apiNames, origins, isPublic });
  await app.register(text);
  await app.register(openapi, { version: packageJson.version });
  await app.register(asyncapi, { version: packageJson.version });
  const limits = createRateLimits({ config, metrics });
  await app.register(lastAnswers, { metrics });
  await app.register(authenticate, { sessions: identity.sessions, limits, isPublic });
  await app.register(userRoutes, { database, ...identity });
  await app.register(sessionRoutes, { database, ...identity });
  await app.register(apiKeyRoutes, { database, sessions: identity.sessions });
  await app.register(auditRoutes, { database });
  await app.register(healthRoutes, {
    checks: options.checks,
    breakers: [postgres, logBreaker, files],
    metrics,
    version: packageJson.version,
    stream: () => ({ tailing: channels.trades.hub.tailing, clients: app.websocketServer.clients.size }),
  });
  const live = liveTrades(channels.trades);
  const trading = await openTrading({
    ...{ database: options.database, breaker: postgres, live, defaultSource },
    ...{ liveSource, logger: options.logger, metrics },
  });
  await app.register(tradingRoutes, trading);
  await app.register(alertRoutes, { database });
  await app.register(priceAlertRoutes, trading);
  const { webhookPrivateNetworks: allowsPrivate } = config;
  await app.register(webhookRoutes, { database, box: options.box, allowsPrivate });
  const analytics = { ...trading, prices: guardedPrices(options.prices, files), requestMs };
  await app.register(portfolioHistoryRoutes, analytics);
  await app.register(proposalRoutes, analytics);
  await app.register(analyticsRoutes, analytics);
  await app.register(marketRoutes, { marketData, live, defaultSource, requestMs });
  await app.register(barRoutes, { bars: guardedBars(options.bars, breakers), defaultSource, requestMs });
  const candles = guardedCandles(options.candles, breakers);
  await app.register(candleRoutes, { candles, live, defaultSource, requestMs });
  await app.register(signalRoutes, { database });
  await app.register(lakeRoutes, { marketData });
  await app.register(reportRoutes, { database });
  await app.register(queryRoutes, { queries: options.queries, breaker: files });
  const jobOptions = { jobs, database, feed, requestMs };
  await app.register(jobRoutes, jobOptions);
  await app.register(jobRunRoutes, jobOptions);
  const portfolios = createPortfolioFeed({ log, logger: options.logger, metrics });
  const alerts = createAlertFeed({ database, logger: options.logger, metrics });
  await app.register(streamRoutes, {
    ...{
      channels,
      feed,
      portfolios,
      alerts,
      log: guardedReads(log, logBreaker),
      trading,
      sessions: identity.sessions,
    },
    ...{ limits, origins, isPublic, defaultSource, logger: options.logger, metrics },
  });
  await app.register(page, { dir: options.staticDir });

  channels.start();
  portfolios.start();
  // Before it waits for requests: those that wait for runs are answered as they are.
  app.addHook('preClose', () => feed.close());
  app.addHook('preClose', () => options.queries.close());
  app.addHook('onClose', async () => {
    await trading.close();
    await alerts.close();
    await portfolios.close();
    await channels.close();
  });
  return app;
}
