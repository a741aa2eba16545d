import { randomUUID } from 'node:crypto';
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { TicklakeError } from '#core/platform/errors.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import { timeFromUs } from '../format.ts';
import { problemAnswers } from '../schemas/common.ts';
import * as schemas from '../schemas/orders.ts';
import { NoQuery } from '../schemas/lake.ts';
import { OnceHeaders } from '../schemas/trading.ts';
import { amounts, nowUs, once, orderRequest } from '../trading/input.ts';
import type { Trading } from '../trading/open.ts';
import { placedOrder, shownOrder } from '../trading/shown.ts';

/** What changes orders. */
export const orderRoutes: FastifyPluginCallbackTypebox<Trading> = (app, trading, done) => {
  const { writer, markets, owners, defaultSource } = trading;

  app.post(
    '/v1/orders',
    {
      schema: {
        tags: ['orders'],
        summary: 'Place an order',
        description:
          'An order that breaks a rule of the market, a limit or the balance is answered by 201, too, with the status ' +
          '`rejected` and a `rejectCode`: that is an answer for ever. `Idempotency-Key` and `clientOrderId` each name ' +
          'one order of the portfolio: the same body is answered as it was, another body by 409. After a time-out ' +
          'ask again with the same key.',
        querystring: NoQuery,
        headers: OnceHeaders,
        body: schemas.NewOrder,
        response: { 201: schemas.Order, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { portfolioId } = request.body;
      await owners.checkPortfolio(request, portfolioId);
      const asked = orderRequest(request.body, defaultSource);
      if (markets.view(asked.source, asked.symbol) === undefined) await markets.refresh();
      const { events, isReplay } = await writer.submit(
        { kind: 'place_order', portfolioId, atUs: nowUs(), orderId: randomUUID(), request: asked },
        once(request.headers, 'place_order', asked),
      );
      const order = placedOrder(portfolioId, events);
      if (order === undefined) throw new TicklakeError('INTERNAL', 'a placement has no answer');
      reply.code(201).header('location', `/v1/orders/${order.id}`);
      if (isReplay) reply.header('idempotent-replayed', 'true');
      return order;
    },
  );

  app.patch(
    '/v1/orders/:orderId',
    {
      schema: {
        tags: ['orders'],
        summary: 'Change the quantity or the prices of an open order',
        description:
          'Checked as a placement is; one that would be rejected is refused, and the order stands as it was.',
        params: schemas.OrderParams,
        querystring: NoQuery,
        headers: OnceHeaders,
        body: schemas.Amendment,
        response: { 200: schemas.Order, ...problemAnswers },
      },
    },
    async (request) => {
      const { orderId } = request.params;
      const portfolioId = await owners.portfolioOfOrder(request, orderId);
      const asked = { orderId, ...amounts(request.body) };
      const { events } = await writer.submit(
        { kind: 'amend_order', portfolioId, atUs: nowUs(), ...asked },
        once(request.headers, 'amend_order', asked),
      );
      return changedOrder(portfolioId, events, 'order_amended');
    },
  );

  app.delete(
    '/v1/orders/:orderId',
    {
      schema: {
        tags: ['orders'],
        summary: 'Cancel an open order; what it has filled stays',
        params: schemas.OrderParams,
        querystring: NoQuery,
        headers: OnceHeaders,
        response: { 200: schemas.Order, ...problemAnswers },
      },
    },
    async (request) => {
      const { orderId } = request.params;
      const portfolioId = await owners.portfolioOfOrder(request, orderId);
      const { events } = await writer.submit(
        { kind: 'cancel_order', portfolioId, atUs: nowUs(), orderId, reason: 'requested' },
        once(request.headers, 'cancel_order', { orderId }),
      );
      return changedOrder(portfolioId, events, 'order_canceled');
    },
  );

  app.delete(
    '/v1/orders',
    {
      schema: {
        tags: ['orders'],
        summary: 'Cancel all open orders of a portfolio, or those of one market',
        querystring: schemas.CancelAllQuery,
        response: { 200: schemas.Canceled, ...problemAnswers },
      },
    },
    async (request) => {
      const { portfolioId, source, symbol } = request.query;
      await owners.checkPortfolio(request, portfolioId);
      const { events } = await writer.submit({
        ...{ kind: 'cancel_all', portfolioId, atUs: nowUs(), reason: 'requested' },
        ...(source === undefined ? {} : { source }),
        ...(symbol === undefined ? {} : { symbol }),
      });
      return {
        items: events.flatMap((event) =>
          event.type === 'order_canceled' ? [shownOrder(portfolioId, event.order)] : [],
        ),
      };
    },
  );

  app.put(
    '/v1/orders/cancel-after',
    {
      schema: {
        tags: ['orders'],
        summary: "Dead-man's switch: cancel all orders unless this is asked again in time",
        querystring: NoQuery,
        body: schemas.CancelAfter,
        response: { 200: schemas.CancelAfterSet, ...problemAnswers },
      },
    },
    async (request) => {
      const { portfolioId, seconds } = request.body;
      await owners.checkPortfolio(request, portfolioId);
      const atUs = nowUs();
      const untilUs = seconds === null ? null : atUs + seconds * 1_000_000;
      await writer.submit({ kind: 'cancel_after', portfolioId, atUs, untilUs });
      return { portfolioId, cancelAfter: untilUs === null ? null : timeFromUs(untilUs) };
    },
  );
  done();
};

function changedOrder(
  portfolioId: string,
  events: readonly NumberedEvent[],
  type: 'order_amended' | 'order_canceled',
): schemas.Order {
  const event = events.find((candidate) => candidate.type === type);
  if (event === undefined || !('order' in event)) {
    throw new TicklakeError('INTERNAL', 'a change of an order has no answer');
  }
  return shownOrder(portfolioId, event.order);
}
