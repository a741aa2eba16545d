import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import {
  deletePriceAlert,
  listPriceAlerts,
  setPriceAlert,
  type PriceAlert,
} from '#core/alerts/price-alerts.ts';
import { decimalText } from '#core/market/decimal.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { callerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import { Nothing } from '../schemas/identity.ts';
import { NoQuery } from '../schemas/lake.ts';
import * as schemas from '../schemas/price-alerts.ts';
import { pageAfter, placeCursor } from '../trading/cursors.ts';
import { positive } from '../trading/input.ts';
import type { Trading } from '../trading/open.ts';

export type PriceAlertRouteOptions = Pick<Trading, 'database' | 'markets' | 'defaultSource'>;

/** Prices that a user wants to be told of. */
export const priceAlertRoutes: FastifyPluginCallbackTypebox<PriceAlertRouteOptions> = (
  app,
  { database, markets, defaultSource },
  done,
) => {
  app.post(
    '/v1/price-alerts',
    {
      schema: {
        tags: ['alerts'],
        summary: 'Be told when a market reaches a price, once',
        description:
          'The first trade at the price, or beyond it, after this raises an alert, as `GET /v1/alerts`, the channel `alerts`, webhooks and mail tell it. A price that is reached already is told with the next trade.',
        querystring: NoQuery,
        body: schemas.NewPriceAlert,
        response: { 201: schemas.PriceAlert, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { symbol, source = defaultSource, direction, price, note } = request.body;
      const market = markets.view(source, symbol);
      if (market === undefined) {
        throw new TicklakeError('NOT_FOUND', `there is no market ${symbol} of ${source}`, {
          remedy: 'GET /v1/markets lists those there are.',
        });
      }
      const made = await setPriceAlert(database, {
        ...{ userId: callerOf(request).userId, source, symbol, direction, note },
        price: positive(price, 'price'),
        afterTradeId: market.last?.tradeId ?? -1,
      });
      reply.code(201);
      return shown(made);
    },
  );

  app.get(
    '/v1/price-alerts',
    {
      schema: {
        tags: ['alerts'],
        summary: 'Prices you want to be told of, and were, the newest first',
        querystring: schemas.PriceAlertsQuery,
        response: { 200: schemas.PriceAlertList, ...problemAnswers },
      },
    },
    async (request) => {
      const { cursor, limit } = request.query;
      const found = await listPriceAlerts(database, callerOf(request).userId, {
        ...{ after: placeCursor(cursor), limit: limit + 1 },
      });
      const page = pageAfter(found, limit, ({ createdUs, priceAlertId }) => `${createdUs}@${priceAlertId}`);
      return { items: page.items.map(shown), nextCursor: page.nextCursor };
    },
  );

  app.delete(
    '/v1/price-alerts/:priceAlertId',
    {
      schema: {
        tags: ['alerts'],
        summary: 'Delete a price alert',
        params: schemas.PriceAlertParams,
        querystring: NoQuery,
        response: { 204: Nothing, ...problemAnswers },
      },
    },
    async (request, reply) => {
      await deletePriceAlert(database, callerOf(request).userId, request.params.priceAlertId);
      return reply.code(204).send(null);
    },
  );
  done();
};

function shown({ priceAlertId, price, createdAt, raisedAt, ...rest }: PriceAlert): schemas.PriceAlert {
  const { symbol, source, direction, note } = rest;
  return {
    ...{ id: priceAlertId, symbol, source, direction, price: decimalText(price), note },
    createdAt: createdAt.toISOString(),
    raisedAt: raisedAt?.toISOString() ?? null,
  };
}
