import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { reconcile } from '#core/trading/reconcile.ts';
import { untilAnswered } from '../job-runs.ts';
import { askerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import * as schemas from '../schemas/portfolios.ts';
import type { Trading } from '../trading/open.ts';
import { replayMsMax } from '../trading/replays.ts';

/** Whether the books are right. */
export const reconciliationRoutes: FastifyPluginCallbackTypebox<Trading> = (app, trading, done) => {
  const { database, owners, replays } = trading;

  app.get(
    '/v1/reconciliation',
    {
      handlerTimeout: replayMsMax,
      schema: {
        tags: ['portfolios'],
        summary: 'A portfolio recomputed from its ledger and from its events, and what differs',
        querystring: schemas.ReconciliationQuery,
        response: { 200: schemas.Reconciliation, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { portfolioId } = request.query;
      const asker = askerOf(request);
      await owners.checkPortfolio(asker, portfolioId);
      const signal = untilAnswered(reply);
      const { number, chain, differences } = await replays.run(
        asker.caller.userId,
        async () => await reconcile(database, portfolioId, signal),
        signal,
      );
      return {
        portfolioId,
        eventNumber: number,
        isRight: differences.length === 0 && chain.fault === undefined,
        differences,
        chain: { events: chain.events, hash: chain.hash.toString('hex'), fault: chain.fault ?? null },
      };
    },
  );
  done();
};
