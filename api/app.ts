import websocket from '@fastify/websocket';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { Identity } from '#core/identity/open.ts';
import type { Jobs } from '#core/jobs/open.ts';
import type { Config } from '#core/platform/config.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import packageJson from '#package.json' with { type: 'json' };
import type { BarData } from './bar-data.ts';
import { createBreaker, guarded, guardedBars, guardedCandles } from './breaker.ts';
import type { CandleData } from './candle-data.ts';
import type { Check } from './health.ts';
import type { MarketData } from './market-data.ts';
import { authenticate } from './plugins/authenticate.ts';
import { openapi } from './plugins/openapi.ts';
import { page } from './plugins/page.ts';
import { problems } from './plugins/problems.ts';
import { requestMetrics } from './plugins/request-metrics.ts';
import { security } from './plugins/security.ts';
import { barRoutes } from './routes/bars.ts';
import { candleRoutes } from './routes/candles.ts';
import { healthRoutes } from './routes/health.ts';
import { jobRunRoutes } from './routes/job-runs.ts';
import { jobRoutes } from './routes/jobs.ts';
import { lakeRoutes } from './routes/lake.ts';
import { marketRoutes } from './routes/markets.ts';
import { reportRoutes } from './routes/reports.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { signalRoutes } from './routes/signals.ts';
import { streamRoutes } from './routes/stream.ts';
import { tradingRoutes } from './routes/trading.ts';
import { userRoutes } from './routes/users.ts';
import { liveTrades, openLiveChannels } from './stream/live-channels.ts';
import { createPortfolioFeed } from './stream/portfolio-feed.ts';
import { RunFeed } from './stream/run-feed.ts';
import { openTrading } from './trading/open.ts';

export interface AppOptions {
  marketData: MarketData;
  bars: BarData;
  candles: CandleData;
  log: EventLog;
  /** To ask for runs of jobs, and where they are read. */
  jobs: Jobs;
  database: Database;
  identity: Identity;
  logger: Logger;
  metrics: Metrics;
  config: Pick<Config, 'apiHost' | 'apiNames' | 'exchange' | 'simulatorSeed'>;
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
  const { log, jobs, database, identity, metrics, config } = options;
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

  acceptEmptyJson(app);

  const breaker = createBreaker('lake', metrics);
  const marketData = guarded(options.marketData, breaker);
  const channels = openLiveChannels({ log, logger: options.logger, metrics });
  const feed = new RunFeed({ database, logger: options.logger, metrics });
  const defaultSource =
    config.exchange === 'simulator' ? `simulator:${config.simulatorSeed}` : config.exchange;

  // First, so that sockets of upgrades that later hooks refuse are closed.
  await app.register(websocket, { options: { maxPayload: messageBytesMax, perMessageDeflate: false } });
  await app.register(problems);
  await app.register(requestMetrics, { metrics });
  await app.register(security, { host: config.apiHost, names: config.apiNames });
  await app.register(openapi, { version: packageJson.version });
  await app.register(authenticate, identity);
  await app.register(userRoutes, { database, ...identity });
  await app.register(sessionRoutes, identity);
  await app.register(healthRoutes, {
    checks: options.checks,
    breakers: [breaker],
    metrics,
    version: packageJson.version,
    stream: () => ({ tailing: channels.trades.hub.tailing, clients: app.websocketServer.clients.size }),
  });
  const live = liveTrades(channels.trades);
  const trading = await openTrading({ database, live, defaultSource, logger: options.logger, metrics });
  await app.register(tradingRoutes, trading);
  await app.register(marketRoutes, { marketData, live, defaultSource, requestMs });
  await app.register(barRoutes, { bars: guardedBars(options.bars, breaker), defaultSource, requestMs });
  const candles = guardedCandles(options.candles, breaker);
  await app.register(candleRoutes, { candles, live, defaultSource, requestMs });
  await app.register(signalRoutes, { database });
  await app.register(lakeRoutes, { marketData });
  await app.register(reportRoutes, { database });
  const jobOptions = { jobs, database, feed, requestMs };
  await app.register(jobRoutes, jobOptions);
  await app.register(jobRunRoutes, jobOptions);
  const portfolios = createPortfolioFeed({ log, logger: options.logger, metrics });
  await app.register(streamRoutes, {
    ...{ channels, feed, portfolios, log, trading, sessions: identity.sessions },
    ...{ defaultSource, logger: options.logger, metrics },
  });
  await app.register(page, { dir: options.staticDir });

  channels.start();
  portfolios.start();
  // Before it waits for requests: those that wait for runs are answered as they are.
  app.addHook('preClose', () => feed.close());
  app.addHook('onClose', async () => {
    await trading.close();
    await portfolios.close();
    await channels.close();
  });
  return app;
}

/** What needs no body is sent as JSON all the same, for the sake of the security plugin's check. */
function acceptEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body.toString(), done);
  });
}
