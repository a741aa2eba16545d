import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { Interval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { BarPage, BarsRequest, CandleData, MarketBars } from '../candle-data.ts';
import { instantUs } from '../format.ts';
import type { LiveTrades } from '../live-market.ts';
import { decodeCursor, encodeCursor } from '../paging.ts';
import { CandleList, CandlesQuery } from '../schemas/candles.ts';
import { problemAnswers } from '../schemas/common.ts';
import {
  IndicatorList,
  IndicatorsQuery,
  LatestIndicators,
  LatestIndicatorsQuery,
} from '../schemas/indicators.ts';
import { MarketParams } from '../schemas/markets.ts';

export interface CandleRouteOptions {
  candles: CandleData;
  live: LiveTrades;
  /** The source that is meant where a request names none. */
  defaultSource: string;
  /** Longest a request may work. */
  requestMs: number;
}

interface Query {
  source?: string;
  interval: Interval;
  from?: string;
  to?: string;
  cursor?: string;
  limit: number;
}

export const candleRoutes: FastifyPluginCallbackTypebox<CandleRouteOptions> = (app, options, done) => {
  const { candles, live, defaultSource, requestMs } = options;

  app.get(
    '/v1/markets/:symbol/candles',
    {
      schema: {
        tags: ['markets'],
        summary: "A market's bars, the newest first: the venue's, and ours where it has none",
        params: MarketParams,
        querystring: CandlesQuery,
        response: { 200: CandleList, ...problemAnswers },
      },
    },
    ({ params: { symbol }, query }) => answer(symbol, query, candles.candles),
  );

  app.get(
    '/v1/markets/:symbol/indicators',
    {
      schema: {
        tags: ['markets'],
        summary: "The twelve indicators of a market's bars, the newest first, computed from the bars held",
        params: MarketParams,
        querystring: IndicatorsQuery,
        response: { 200: IndicatorList, ...problemAnswers },
      },
    },
    ({ params: { symbol }, query }) => answer(symbol, query, candles.indicators),
  );

  app.get(
    '/v1/markets/:symbol/indicators/latest',
    {
      schema: {
        tags: ['markets'],
        summary: "The twelve indicators of a market's newest bar",
        params: MarketParams,
        querystring: LatestIndicatorsQuery,
        response: { 200: LatestIndicators, ...problemAnswers },
      },
    },
    async ({ params: { symbol }, query: { source, interval } }) => {
      const of = { source: source ?? (await sourceOf(symbol, interval)), symbol, interval };
      const latest = await candles.latestIndicators(of, AbortSignal.timeout(requestMs));
      if (latest === undefined) throw nothingHeld(of);
      return latest;
    },
  );
  done();

  async function answer<T>(
    symbol: string,
    { source: asked, interval, from, to, cursor, limit }: Query,
    read: (request: BarsRequest, signal: AbortSignal) => Promise<BarPage<T>>,
  ): Promise<MarketBars & { items: T[]; nextCursor: string | null }> {
    const place = cursor === undefined ? undefined : placeOf(cursor);
    const source = place?.source ?? asked ?? (await sourceOf(symbol, interval));
    const of = { source, symbol, interval };
    const beforeUs = place?.beforeUs ?? (to === undefined ? undefined : instantUs(to));
    const request = {
      ...of,
      limit,
      ...(from === undefined ? {} : { fromUs: instantUs(from) }),
      ...(beforeUs === undefined ? {} : { beforeUs }),
    };
    const { items, nextUs } = await read(request, AbortSignal.timeout(requestMs));
    const isAll = from === undefined && beforeUs === undefined;
    if (isAll && items.length === 0 && live.last(source, symbol) === undefined) throw nothingHeld(of);
    return { ...of, items, nextCursor: nextUs === null ? null : encodeCursor(`${nextUs}@${source}`) };
  }

  async function sourceOf(symbol: string, interval: Interval): Promise<string> {
    const sources = await candles.sources(interval, symbol);
    return sources.includes(defaultSource) ? defaultSource : (sources[0] ?? defaultSource);
  }
};

function placeOf(cursor: string): { source: string; beforeUs: number } {
  const [us = '', source = ''] = decodeCursor(cursor).split('@');
  const beforeUs = Number(us);
  if (!/^\d+$/.test(us) || !Number.isSafeInteger(beforeUs) || source === '') {
    throw new TicklakeError('BAD_REQUEST', 'the cursor is not one of this list', {
      remedy: 'Pass `nextCursor` of the page before, unchanged, or none to start again.',
    });
  }
  return { source, beforeUs };
}

function nothingHeld({ source, symbol, interval }: MarketBars): TicklakeError {
  return new TicklakeError('NOT_FOUND', `no bars of ${interval} are held of ${symbol} from ${source}`, {
    remedy: 'GET /v1/markets lists the markets; GET /v1/lake/coverage says what is held of them.',
  });
}
