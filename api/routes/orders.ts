import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { timeFromUs } from '../format.ts';
import { askerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import * as schemas from '../schemas/orders.ts';
import { NoQuery } from '../schemas/lake.ts';
import { OnceHeaders } from '../schemas/trading.ts';
import { amendOrder, cancelOrder, placeOrder } from '../trading/commands.ts';
import { amounts, nowUs } from '../trading/input.ts';
import type { Trading } from '../trading/open.ts';
import { shownOrder } from '../trading/shown.ts';

const isOver =
  'An order that is over is answered by 409 with the code `ORDER_OVER`; 404 means that there is none.';

/** What changes orders. */
export const orderRoutes: FastifyPluginCallbackTypebox<Trading> = (app, trading, done) => {
  const { writer, owners } = trading;

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
      const key = request.headers['idempotency-key'];
      const { order, isReplay } = await placeOrder(trading, askerOf(request), request.body, key);
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
          'Checked as a placement is; one that would be rejected is refused, and the order stands as it was. ' +
          isOver,
        params: schemas.OrderParams,
        querystring: NoQuery,
        headers: OnceHeaders,
        body: schemas.Amendment,
        response: { 200: schemas.Order, ...problemAnswers },
      },
    },
    async (request) => {
      const key = request.headers['idempotency-key'];
      const changes = amounts(request.body);
      return await amendOrder(trading, askerOf(request), request.params.orderId, changes, key);
    },
  );

  app.delete(
    '/v1/orders/:orderId',
    {
      schema: {
        tags: ['orders'],
        summary: 'Cancel an open order; what it has filled stays',
        description: isOver,
        params: schemas.OrderParams,
        querystring: NoQuery,
        headers: OnceHeaders,
        response: { 200: schemas.Order, ...problemAnswers },
      },
    },
    async (request) =>
      await cancelOrder(
        trading,
        askerOf(request),
        request.params.orderId,
        request.headers['idempotency-key'],
      ),
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
      await owners.checkPortfolio(askerOf(request), portfolioId);
      const { events } = await writer.submit({
        ...{ kind: 'cancel_all', portfolioId, atUs: nowUs(), reason: 'requested' },
        ...(source === undefined ? {} : { source }),
        ...(symbol === undefined ? {} : { symbol }),
      });
      return {
        items: events.flatMap((event) =>
          event.type === 'order_canceled' || event.type === 'order_cancel_requested'
            ? [shownOrder(portfolioId, event.order)]
            : [],
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
      await owners.checkPortfolio(askerOf(request), portfolioId);
      const atUs = nowUs();
      const untilUs = seconds === null ? null : atUs + seconds * 1_000_000;
      await writer.submit({ kind: 'cancel_after', portfolioId, atUs, untilUs });
      return { portfolioId, cancelAfter: untilUs === null ? null : timeFromUs(untilUs) };
    },
  );
  done();
};
