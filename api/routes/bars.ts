import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { Interval } from '#core/market/interval.ts';
import type { BarData } from '../bar-data.ts';
import { instantUs } from '../format.ts';
import { pageOf } from '../paging.ts';
import {
  BarStatistics,
  MarketSummaryList,
  Rankings,
  RankingsQuery,
  StatisticsQuery,
  SummaryQuery,
} from '../schemas/bars.ts';
import { problemAnswers } from '../schemas/common.ts';
import { MarketParams } from '../schemas/markets.ts';

export interface BarRouteOptions {
  bars: BarData;
  /** The source that is meant where a request names none. */
  defaultSource: string;
  /** Longest a request may work. */
  requestMs: number;
}

export const barRoutes: FastifyPluginCallbackTypebox<BarRouteOptions> = (app, options, done) => {
  const { bars, defaultSource, requestMs } = options;

  app.get(
    '/v1/markets/:symbol/statistics',
    {
      schema: {
        tags: ['markets'],
        summary: "Figures of one market from the lake's bars: prices, volumes, volatility, what is missing",
        params: MarketParams,
        querystring: StatisticsQuery,
        response: { 200: BarStatistics, ...problemAnswers },
      },
    },
    async ({ params: { symbol }, query }) => {
      const { interval, from, to } = query;
      const request = {
        ...{ source: await sourceFor(query.source, interval, symbol), symbol, interval },
        ...(from === undefined ? {} : { fromUs: instantUs(from) }),
        ...(to === undefined ? {} : { toUs: instantUs(to) }),
      };
      return await bars.statistics(request, AbortSignal.timeout(requestMs));
    },
  );

  app.get(
    '/v1/markets/summary',
    {
      schema: {
        tags: ['markets'],
        summary:
          'All markets of which bars are held: last price, 24 hours up to it, and how complete they are',
        querystring: SummaryQuery,
        response: { 200: MarketSummaryList, ...problemAnswers },
      },
    },
    async ({ query }) => {
      const { interval } = query;
      const source = await sourceFor(query.source, interval);
      const { markets, snapshotId } = await bars.summary(source, interval, AbortSignal.timeout(requestMs));
      return { ...pageOf(markets, (market) => market.symbol, query), interval, snapshotId };
    },
  );

  app.get(
    '/v1/markets/rankings',
    {
      schema: {
        tags: ['markets'],
        summary: 'Markets by what they traded in the last days, the most first',
        querystring: RankingsQuery,
        response: { 200: Rankings, ...problemAnswers },
      },
    },
    async ({ query }) => {
      const { interval, by, days, limit } = query;
      const source = await sourceFor(query.source, interval);
      const rankings = await bars.rankings({ source, interval, by, days }, AbortSignal.timeout(requestMs));
      return { ...rankings, items: rankings.items.slice(0, limit) };
    },
  );
  done();

  async function sourceFor(asked: string | undefined, interval: Interval, symbol?: string): Promise<string> {
    if (asked !== undefined) return asked;
    const sources = await bars.sources(interval, symbol);
    return sources.includes(defaultSource) ? defaultSource : (sources[0] ?? defaultSource);
  }
};
