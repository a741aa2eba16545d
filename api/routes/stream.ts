import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { Sessions } from '#core/identity/sessions.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { addressOf, tokenOf } from '../plugins/authenticate.ts';
import { isKnownOrigin, isOwnOrNoPage } from '../plugins/security.ts';
import type { RateLimits } from '../rate-limits.ts';
import { problemAnswers } from '../schemas/common.ts';
import type { AlertFeed } from '../stream/alert-feed.ts';
import type { LiveChannels } from '../stream/live-channels.ts';
import type { PortfolioFeed } from '../stream/portfolio-feed.ts';
import { createPlaces, isOwnMachine } from '../stream/places.ts';
import { createPortfolioReader } from '../stream/portfolio-reader.ts';
import { openPrivateSession } from '../stream/private-session.ts';
import type { RunFeed } from '../stream/run-feed.ts';
import { createSendBudget } from '../stream/send-budget.ts';
import { closeCodes, closeSocket, serveSession } from '../stream/session.ts';
import { streamMetrics } from '../stream/stream-metrics.ts';
import type { Trading } from '../trading/open.ts';

export interface StreamRouteOptions {
  channels: LiveChannels;
  feed: RunFeed;
  log: Pick<EventLog, 'describe' | 'read'>;
  sessions: Sessions;
  limits: RateLimits;
  /** Whether others than the owner of the machine reach the service. */
  isPublic: boolean;
  /** Of other sites, whose pages may connect. */
  origins: readonly string[];
  trading: Trading;
  portfolios: PortfolioFeed;
  alerts: AlertFeed;
  defaultSource: string;
  logger: Logger;
  metrics: Metrics;
}

const fullReasons = {
  all: 'too many clients: come back later',
  address: 'too many clients from this address: close others first',
};

export const streamRoutes: FastifyPluginCallbackTypebox<StreamRouteOptions> = (app, options, done) => {
  const metrics = streamMetrics(options.metrics);
  const budget = createSendBudget({ metrics: options.metrics });
  const places = createPlaces();
  const reader = createPortfolioReader(options.trading.database, options.metrics);
  app.route({
    method: 'GET',
    url: '/v1/stream',
    schema: {
      tags: ['stream'],
      summary: 'Live trades, candles, indicators and signals, and how runs of jobs go on (WebSocket)',
      description:
        'Send `{"op":"subscribe","channel":"trades","symbols":["BTCUSDT"]}`; a snapshot of the newest comes, then updates. ' +
        '`candles` (bars as they close, 1s to 1d) and `indicators` take an `interval` beside the symbols; `signals` takes ' +
        'both or neither. Each message has a `resumeToken`, of its channel and interval; a client that reconnects and ' +
        'subscribes with its last one misses nothing, or gets a snapshot with `reset: true`. A reader that is too slow is ' +
        'closed with 4008. The channel `jobs` is all runs of jobs, `jobs:RUN_ID` one with its steps: ' +
        '`{"op":"subscribe","channel":"jobs"}` is answered by a snapshot, then by what changes, at most twice a second. ' +
        'With a session (a header, the cookie, or `{"op":"authenticate","token":…}`) the channels `orders` and `balances` of a ' +
        '`portfolioId` can be followed, whose sequence is the number of its events, and `alerts`, and orders placed and cancelled: ' +
        '`{"op":"placeOrder","id":…,"order":{…}}` is answered by `placed` or `refused` with the same id.',
      response: problemAnswers,
    },
    preValidation: (request, _reply, next) => {
      if (isKnownOrigin(request, options.origins)) return next();
      next(
        new TicklakeError('BAD_REQUEST', 'the Origin is another site', {
          remedy: 'Open the stream from a page of this service, or from a program.',
        }),
      );
    },
    handler: () => {
      throw new TicklakeError('BAD_REQUEST', 'this address speaks WebSocket', {
        remedy: 'Open it with a WebSocket client; /docs says what to send.',
      });
    },
    wsHandler: (socket, request) => {
      const address = addressOf(request);
      const place = places.take(address, isOwnMachine(request.ip));
      if ('tooMany' in place) {
        metrics.refused.inc({ of: place.tooMany });
        return closeSocket(socket, closeCodes.full, fullReasons[place.tooMany]);
      }
      socket.once('close', () => place.giveBack());
      const { channels, feed, log, logger, defaultSource: source } = options;
      const { sessions, limits, isPublic, trading, portfolios, alerts } = options;
      const given = tokenOf(request);
      // A cookie comes along whoever made the browser connect, which names the page; programs name none.
      const isOthers = given?.isCookie === true && !isOwnOrNoPage(request);
      const token = isOthers ? undefined : given?.token;
      serveSession({
        ...{ socket, channels, feed, log, source, logger, metrics, budget },
        openPrivate: (client) =>
          openPrivateSession({
            client,
            sessions,
            limits,
            isPublic,
            trading,
            feed: portfolios,
            alerts,
            reader,
            logger,
            token,
            address,
          }),
      });
    },
  });
  done();
};
