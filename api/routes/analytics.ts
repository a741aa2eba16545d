import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { readOwners } from '#core/trading/analytics/owners.ts';
import { readMarketSums, readOwnerSums } from '#core/trading/analytics/sums.ts';
import { readPerformance } from '../analytics/read-performance.ts';
import { shownUsers } from '../analytics/users.ts';
import { shownVolume } from '../analytics/volume.ts';
import { hoursOf, whoseOf } from '../analytics/whose.ts';
import { askerOf } from '../plugins/authenticate.ts';
import type { PriceHistory } from '../price-history.ts';
import * as schemas from '../schemas/analytics.ts';
import { problemAnswers } from '../schemas/common.ts';
import { nowUs } from '../trading/input.ts';
import type { Trading } from '../trading/open.ts';

/** What figures over time are made from. */
export interface AnalyticsDeps extends Trading {
  prices: PriceHistory;
  requestMs: number;
}

const hourUs = 3_600_000_000;
const buckets = { hour: hourUs, day: 24 * hourUs, all: Number.MAX_SAFE_INTEGER };

/** Figures over users and trades: of those a caller reaches. */
export const analyticsRoutes: FastifyPluginCallbackTypebox<AnalyticsDeps> = (app, deps, done) => {
  const { database, owners, requestMs } = deps;

  app.get(
    '/v1/analytics/volume',
    {
      schema: {
        tags: ['analytics'],
        summary: 'What was traded, by market and time: by you, or by all for an admin',
        querystring: schemas.VolumeQuery,
        response: { 200: schemas.VolumeList, ...problemAnswers },
      },
    },
    async (request) => {
      const { query } = request;
      const whose = await whoseOf(askerOf(request), owners, query);
      const sums = await readMarketSums(database, whose, hoursOf(query), buckets[query.bucket]);
      return shownVolume(sums, query.bucket !== 'all', query);
    },
  );

  app.get(
    '/v1/analytics/users',
    {
      schema: {
        tags: ['analytics'],
        summary: 'Orders, trades, fees and realised profit of users: your own, or of all for an admin',
        querystring: schemas.UsersQuery,
        response: { 200: schemas.UserList, ...problemAnswers },
      },
    },
    async (request) => {
      const { query } = request;
      const whose = await whoseOf(askerOf(request), owners, query);
      const sums = await readOwnerSums(database, whose, hoursOf(query), 'user');
      return shownUsers(await readOwners(database, whose, 'user'), sums, query.quote, query);
    },
  );

  app.get(
    '/v1/analytics/performance',
    {
      schema: {
        tags: ['analytics'],
        summary:
          'Profit, time-weighted return, drawdown, turnover and fees: your own, or of each user and all for an admin',
        querystring: schemas.PerformanceQuery,
        response: { 200: schemas.PerformanceList, ...problemAnswers },
      },
    },
    async (request) => {
      const { valuedIn, by, cursor, limit, ...query } = request.query;
      const whose = await whoseOf(askerOf(request), owners, query);
      const asked = { whose, hours: hoursOf(query), nowUs: nowUs(), valuedIn, by, cursor, limit };
      return await readPerformance(deps, asked, AbortSignal.timeout(requestMs));
    },
  );
  done();
};
