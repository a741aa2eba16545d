import { randomUUID } from 'node:crypto';
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { decimalText, zero } from '#core/market/decimal.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { decide } from '#core/trading/decide.ts';
import { readGlobalRisk } from '#core/trading/kill-switch.ts';
import {
  listOrders,
  listPortfolios,
  readOrder,
  readOrderEvents,
  readPortfolio,
  type StoredOrder,
} from '#core/trading/read.ts';
import { askerOf, callerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import { NoQuery } from '../schemas/lake.ts';
import * as schemas from '../schemas/orders.ts';
import { pageAfter, placeCursor } from '../trading/cursors.ts';
import { nowUs, orderRequest } from '../trading/input.ts';
import type { Trading } from '../trading/open.ts';
import { shownDecision, shownEvent, shownOrder } from '../trading/shown.ts';

const portfoliosMax = 1_000;

/** What shows orders and changes none. */
export const orderViewRoutes: FastifyPluginCallbackTypebox<Trading> = (app, trading, done) => {
  const { database, markets, surroundings, owners, defaultSource } = trading;

  app.post(
    '/v1/orders/preview',
    {
      schema: {
        tags: ['orders'],
        summary: 'What would become of an order at this moment; nothing is placed',
        querystring: NoQuery,
        body: schemas.NewOrder,
        response: { 200: schemas.Preview, ...problemAnswers },
      },
    },
    async (request) => {
      const { portfolioId } = request.body;
      await owners.checkPortfolio(askerOf(request), portfolioId);
      const asked = orderRequest(request.body, defaultSource);
      if (markets.view(asked.source, asked.symbol) === undefined) await markets.refresh();
      const [stored, { risk: globalRisk }] = await Promise.all([
        readPortfolio(database, portfolioId),
        readGlobalRisk(database),
      ]);
      if (stored === undefined) throw new TicklakeError('INTERNAL', `portfolio ${portfolioId} has no head`);
      const market = surroundings.market(asked.source, asked.symbol);
      const decision = decide(
        stored.portfolio,
        { kind: 'place_order', portfolioId, atUs: nowUs(), orderId: randomUUID(), request: asked },
        { globalRisk, fees: surroundings.fees, ...(market === undefined ? {} : { market }) },
      );
      if ('refused' in decision) {
        const { code, message, remedy } = decision.refused;
        throw new TicklakeError(code, message, { remedy });
      }
      const answer = decision.events.find(
        (event) => event.type === 'order_accepted' || event.type === 'order_rejected',
      );
      if (answer === undefined) throw new TicklakeError('INTERNAL', 'a placement has no answer');
      const isAcceptable = answer.type === 'order_accepted';
      return {
        isAcceptable,
        rejectCode: isAcceptable ? null : answer.code,
        rejectDetail: isAcceptable ? null : answer.detail,
        held: decimalText(isAcceptable ? answer.order.held : zero),
        decision: shownDecision(answer.decision),
      };
    },
  );

  app.get(
    '/v1/orders',
    {
      schema: {
        tags: ['orders'],
        summary: 'Orders, the newest first: of one portfolio, or of all that are yours',
        querystring: schemas.OrdersQuery,
        response: { 200: schemas.OrderList, ...problemAnswers },
      },
    },
    async (request) => {
      const { portfolioId, symbol, status, cursor, limit } = request.query;
      if (portfolioId !== undefined) await owners.checkPortfolio(askerOf(request), portfolioId);
      const place = placeCursor(cursor);
      const found = await listOrders(database, {
        portfolioIds: portfolioId === undefined ? await ownPortfolios(request) : [portfolioId],
        symbol,
        statuses: status === undefined ? undefined : [status],
        after: place && { placedAtUs: place.timeUs, id: place.id },
        limit: limit + 1,
      });
      const page = pageAfter(found, limit, ({ order }) => `${order.placedAtUs}@${order.id}`);
      return { items: page.items.map(shownStored), nextCursor: page.nextCursor };
    },
  );

  app.get(
    '/v1/orders/:orderId',
    {
      schema: {
        tags: ['orders'],
        summary: 'One order',
        params: schemas.OrderParams,
        querystring: NoQuery,
        response: { 200: schemas.Order, ...problemAnswers },
      },
    },
    async (request) => {
      const { orderId } = request.params;
      await owners.portfolioOfOrder(askerOf(request), orderId);
      const stored = await readOrder(database, orderId);
      if (stored === undefined) throw new TicklakeError('INTERNAL', `order ${orderId} is gone`);
      return shownStored(stored);
    },
  );

  app.get(
    '/v1/orders/:orderId/events',
    {
      schema: {
        tags: ['orders'],
        summary: 'All that has happened to an order, with the figures it was decided on',
        params: schemas.OrderParams,
        querystring: NoQuery,
        response: { 200: schemas.OrderEventList, ...problemAnswers },
      },
    },
    async (request) => {
      const { orderId } = request.params;
      const portfolioId = await owners.portfolioOfOrder(askerOf(request), orderId);
      const events = await readOrderEvents(database, portfolioId, orderId);
      return { items: events.map(shownEvent), nextCursor: null };
    },
  );
  done();

  async function ownPortfolios(request: Parameters<typeof callerOf>[0]): Promise<string[]> {
    const facts = await listPortfolios(database, callerOf(request).userId, { limit: portfoliosMax });
    return facts.map(({ id }) => id);
  }
};

function shownStored({ portfolioId, order, rejected }: StoredOrder): schemas.Order {
  const shown = shownOrder(portfolioId, order);
  return rejected === undefined
    ? shown
    : { ...shown, rejectCode: rejected.code, rejectDetail: rejected.detail };
}
