import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Trading } from '../trading/open.ts';
import { marketRuleRoutes } from './market-rules.ts';
import { orderViewRoutes } from './order-views.ts';
import { orderRoutes } from './orders.ts';
import { portfolioMoneyRoutes } from './portfolio-money.ts';
import { portfolioRoutes } from './portfolios.ts';
import { reconciliationRoutes } from './reconciliation.ts';
import { riskRoutes } from './risk.ts';

/** All that is about portfolios and their orders. */
export const tradingRoutes: FastifyPluginAsyncTypebox<Trading> = async (app, trading) => {
  await app.register(marketRuleRoutes, trading);
  await app.register(portfolioRoutes, trading);
  await app.register(portfolioMoneyRoutes, trading);
  await app.register(riskRoutes, trading);
  await app.register(reconciliationRoutes, trading);
  await app.register(orderRoutes, trading);
  await app.register(orderViewRoutes, trading);
};
