import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { TicklakeError } from '#core/platform/errors.ts';
import type { MarketData } from '../market-data.ts';
import { decodeCursor, encodeCursor, pageOf } from '../paging.ts';
import { problemAnswers } from '../schemas/common.ts';
import {
  Market,
  MarketList,
  MarketParams,
  MarketQuery,
  MarketsQuery,
  TradeList,
  TradesQuery,
} from '../schemas/markets.ts';
import { withLive, type LiveTrades } from '../live-market.ts';

export interface MarketRouteOptions {
  marketData: MarketData;
  live: LiveTrades;
  /** The source that is meant where a request names none. */
  defaultSource: string;
  /** Longest a request may work. */
  requestMs: number;
}

export const marketRoutes: FastifyPluginCallbackTypebox<MarketRouteOptions> = (app, options, done) => {
  const { marketData, live, defaultSource } = options;

  app.get(
    '/v1/markets',
    {
      schema: {
        tags: ['markets'],
        summary: 'Markets with last price and 24-hour figures, of what is held',
        querystring: MarketsQuery,
        response: { 200: MarketList, ...problemAnswers },
      },
    },
    async ({ query }) => {
      const source = await sourceFor(query.source);
      const markets = withLive(await marketData.markets(source), source, live);
      return pageOf(markets, (market) => market.symbol, query);
    },
  );

  app.get(
    '/v1/markets/:symbol',
    {
      schema: {
        tags: ['markets'],
        summary: 'One market',
        params: MarketParams,
        querystring: MarketQuery,
        response: { 200: Market, ...problemAnswers },
      },
    },
    async ({ params: { symbol }, query }) => {
      const source = await sourceFor(query.source, symbol);
      const markets = withLive(await marketData.markets(source), source, live);
      const market = markets.find((candidate) => candidate.symbol === symbol);
      if (market === undefined) throw unknownMarket(symbol, source);
      return market;
    },
  );

  app.get(
    '/v1/markets/:symbol/trades',
    {
      schema: {
        tags: ['markets'],
        summary: 'Committed trades of a market, newest first',
        params: MarketParams,
        querystring: TradesQuery,
        response: { 200: TradeList, ...problemAnswers },
      },
    },
    async ({ params: { symbol }, query }) => {
      const place = query.cursor === undefined ? undefined : tradeCursor(query.cursor);
      const source = place?.source ?? (await sourceFor(query.source, symbol));
      const request = {
        source,
        symbol,
        limit: query.limit,
        ...(place === undefined ? {} : { beforeId: place.beforeId }),
      };
      const items = await marketData.trades(request, AbortSignal.timeout(options.requestMs));
      const known = items.length > 0 || place !== undefined || live.last(source, symbol) !== undefined;
      if (!known) throw unknownMarket(symbol, source);
      const oldest = items.at(-1);
      const more = items.length === query.limit && oldest !== undefined;
      return { items, nextCursor: more ? encodeCursor(`${oldest.tradeId}@${source}`) : null };
    },
  );
  done();

  async function sourceFor(asked: string | undefined, symbol?: string): Promise<string> {
    if (asked !== undefined) return asked;
    const sources = await marketData.sources(symbol);
    return sources.includes(defaultSource) ? defaultSource : (sources[0] ?? defaultSource);
  }
};

function tradeCursor(cursor: string): { source: string; beforeId: number } {
  const [id = '', source = ''] = decodeCursor(cursor).split('@');
  const beforeId = Number(id);
  if (!/^\d+$/.test(id) || !Number.isSafeInteger(beforeId) || source === '') {
    throw new TicklakeError('BAD_REQUEST', 'the cursor is not one of this list', {
      remedy: 'Pass `nextCursor` of the page before, unchanged, or none to start again.',
    });
  }
  return { source, beforeId };
}

function unknownMarket(symbol: string, source: string): TicklakeError {
  return new TicklakeError('NOT_FOUND', `nothing is held of ${symbol} from ${source}`, {
    remedy: 'GET /v1/markets lists the markets; GET /v1/lake/coverage those of all sources.',
  });
}
