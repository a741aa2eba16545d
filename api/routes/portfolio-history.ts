import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { intervalUs } from '#core/market/interval.ts';
import { readFacts } from '#core/trading/read.ts';
import { readSteps } from '#core/trading/analytics/steps.ts';
import { gridOf, intervalFor } from '../analytics/grid.ts';
import { shownValues } from '../analytics/history.ts';
import { valuesOf } from '../analytics/valuation.ts';
import { instantUs } from '../format.ts';
import { askerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import * as schemas from '../schemas/history.ts';
import { PortfolioParams } from '../schemas/portfolios.ts';
import { nowUs as presentUs } from '../trading/input.ts';
import type { AnalyticsDeps } from './analytics.ts';

const hourUs = 3_600_000_000;

/** What a portfolio was worth. */
export const portfolioHistoryRoutes: FastifyPluginCallbackTypebox<AnalyticsDeps> = (app, deps, done) => {
  const { database, owners, requestMs } = deps;

  app.get(
    '/v1/portfolios/:portfolioId/history',
    {
      schema: {
        tags: ['portfolios'],
        summary: 'What a portfolio was worth over time, and its time-weighted return',
        params: PortfolioParams,
        querystring: schemas.HistoryQuery,
        response: { 200: schemas.History, ...problemAnswers },
      },
    },
    async (request) => {
      const { portfolioId } = request.params;
      await owners.checkPortfolio(askerOf(request), portfolioId);
      const { valuedIn, from, to } = request.query;
      const nowUs = presentUs();
      const openedUs = (await readFacts(database, portfolioId))?.openedAtUs ?? 0;
      const fromUs = Math.max(openedUs, from === undefined ? 0 : instantUs(from));
      const toUs = Math.min(nowUs, to === undefined ? nowUs : instantUs(to));
      const span = { fromUs, toUs };
      const interval = request.query.interval ?? intervalFor(span);
      const instants = gridOf(span, interval);
      const isFine = intervalUs(interval) < hourUs;
      const steps = await readSteps(database, { portfolioId, ...span, isFine });
      const [values = []] = await valuesOf(
        deps,
        { groups: [{ steps, instants }], valuedIn, nowUs },
        AbortSignal.timeout(requestMs),
      );
      return { portfolioId, asset: valuedIn, interval, ...shownValues(values) };
    },
  );
  done();
};
