import { randomUUID } from 'node:crypto';
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TicklakeError } from '#core/platform/errors.ts';
import { askerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import { NoQuery } from '../schemas/lake.ts';
import * as schemas from '../schemas/portfolios.ts';
import { OnceHeaders } from '../schemas/trading.ts';
import { nowUs, once, positive } from '../trading/input.ts';
import type { Trading } from '../trading/open.ts';
import { shownTransaction } from '../trading/transactions.ts';

/**
 * Money that comes into a portfolio and leaves it. On paper nothing else is asked; of a live one it is what an operator says
 * that it has of its account, which is compared with the exchange.
 */
export const portfolioMoneyRoutes: FastifyPluginCallbackTypebox<Trading> = (app, trading, done) => {
  const { writer, owners } = trading;
  const schema = {
    tags: ['portfolios'],
    params: schemas.PortfolioParams,
    querystring: NoQuery,
    headers: OnceHeaders,
    body: schemas.MoneyMoved,
    response: { 201: schemas.Transaction, ...problemAnswers },
  };

  app.post(
    '/v1/portfolios/:portfolioId/deposits',
    { schema: { ...schema, summary: 'Put money into a portfolio' } },
    async (request, reply) => await move(request, reply, 'deposit', request.params, request.body),
  );

  app.post(
    '/v1/portfolios/:portfolioId/withdrawals',
    { schema: { ...schema, summary: 'Take money out of a portfolio: what is available, not what is held' } },
    async (request, reply) => await move(request, reply, 'withdraw', request.params, request.body),
  );
  done();

  async function move(
    request: FastifyRequest,
    reply: FastifyReply,
    kind: 'deposit' | 'withdraw',
    { portfolioId }: { portfolioId: string },
    body: { asset: string; amount: string },
  ): Promise<schemas.Transaction> {
    const asker = askerOf(request);
    await owners.checkPortfolio(asker, portfolioId);
    await owners.checkExecution(asker, portfolioId);
    const asked = { asset: body.asset, amount: positive(body.amount, 'amount') };
    const { events, isReplay } = await writer.submit(
      { kind, portfolioId, atUs: nowUs(), id: randomUUID(), ...asked },
      once(request.headers['idempotency-key'], kind, asked),
    );
    const [event] = events;
    const transaction = event && shownTransaction(portfolioId, event);
    if (transaction === undefined) throw new TicklakeError('INTERNAL', `a ${kind} has no answer`);
    reply.code(201);
    if (isReplay) reply.header('idempotent-replayed', 'true');
    return transaction;
  }
};
