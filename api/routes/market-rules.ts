import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { decimalText } from '#core/market/decimal.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { problemAnswers } from '../schemas/common.ts';
import { MarketParams, MarketQuery, MarketRules } from '../schemas/markets.ts';
import type { Trading } from '../trading/open.ts';

/** What orders of a market must keep to. */
export const marketRuleRoutes: FastifyPluginCallbackTypebox<Trading> = (app, trading, done) => {
  const { markets, surroundings, defaultSource } = trading;

  app.get(
    '/v1/markets/:symbol/rules',
    {
      schema: {
        tags: ['markets'],
        summary: 'Steps of prices and quantities of a market, its smallest order and its fees',
        params: MarketParams,
        querystring: MarketQuery,
        response: { 200: MarketRules, ...problemAnswers },
      },
    },
    async ({ params: { symbol }, query: { source = defaultSource } }) => {
      if (markets.view(source, symbol) === undefined) await markets.refresh();
      const rules = markets.view(source, symbol)?.rules;
      if (rules === undefined) {
        throw new TicklakeError('NOT_FOUND', `no orders are taken for ${symbol} of ${source}`, {
          remedy: 'GET /v1/markets lists the markets.',
        });
      }
      const { base, quote, isTrading } = rules;
      return {
        ...{ symbol, source, base, quote, isTrading },
        tickSize: decimalText(rules.tickSize),
        stepSize: decimalText(rules.stepSize),
        minNotional: decimalText(rules.minNotional),
        makerFee: decimalText(surroundings.fees.maker),
        takerFee: decimalText(surroundings.fees.taker),
      };
    },
  );
  done();
};
