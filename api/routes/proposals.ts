import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { add, decimalText, multiply, parseDecimal, units, zero, type Decimal } from '#core/market/decimal.ts';
import { intervalUs } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { allocate, type Allocation } from '#core/trading/analytics/allocate.ts';
import { paperFees } from '#core/trading/fees.ts';
import { nth } from '#core/trading/analytics/matrix.ts';
import { closeTimes, observedReturns, type Observed } from '../analytics/observed.ts';
import { rebalancingOrders, type Target } from '../analytics/rebalance.ts';
import { readVenueTime } from '../analytics/venue-clock.ts';
import { timeFromUs } from '../format.ts';
import { askerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import { NoQuery } from '../schemas/lake.ts';
import { PortfolioParams } from '../schemas/portfolios.ts';
import * as schemas from '../schemas/proposals.ts';
import { nowUs } from '../trading/input.ts';
import { readMoney, type Money } from '../trading/money.ts';
import type { AnalyticsDeps } from './analytics.ts';

const yearUs = 365 * 86_400_000_000;
/** So many returns for each asset at least: of fewer nothing can be told. */
const observationsMin = 20;

/** Ways to spread a portfolio's money, of which nothing is done. */
export const proposalRoutes: FastifyPluginCallbackTypebox<AnalyticsDeps> = (app, deps, done) => {
  const { database, owners, markets, prices, defaultSource: source, requestMs } = deps;

  app.post(
    '/v1/portfolios/:portfolioId/proposals',
    {
      schema: {
        tags: ['portfolios'],
        summary: 'Propose how to spread money over assets, by their returns in the lake; nothing is placed',
        params: PortfolioParams,
        querystring: NoQuery,
        body: schemas.ProposalRequest,
        response: { 200: schemas.Proposal, ...problemAnswers },
      },
    },
    async (request) => {
      const { portfolioId } = request.params;
      const { body } = request;
      await owners.checkPortfolio(askerOf(request), portfolioId);
      const known = knownMarkets(body);
      const timeUs = (await readVenueTime(database, source))(nowUs());
      const timesUs = closeTimes(timeUs, body.interval, body.periods);
      const asked = { source, symbols: [...known.values()], timesUs };
      const closes = await prices.closes(asked, AbortSignal.timeout(requestMs));
      const observed = observedReturns(known, timesUs, closes);
      const unknown = body.assets
        .filter((asset) => !known.has(asset))
        .map((asset) => ({ asset, reason: `there is no market of it in ${body.quote} with a price` }));
      const found = allocationOf(body, { ...observed, leftOut: [...unknown, ...observed.leftOut] });
      const { money } = await readMoney(database, portfolioId);
      return shownProposal(portfolioId, body, { ...observed, ...found, unknown }, money);
    },
  );
  done();

  /** Markets of the assets, by asset, where there is a price. */
  function knownMarkets({ assets, quote }: schemas.ProposalRequest): Map<string, string> {
    return new Map(
      assets.flatMap((asset): [string, string][] => {
        const market = markets.find(source, asset, quote);
        return market?.last === undefined ? [] : [[asset, market.rules.symbol]];
      }),
    );
  }

  function shownProposal(
    portfolioId: string,
    body: schemas.ProposalRequest,
    found: Observed & { allocation: Allocation; unknown: Observed['leftOut'] },
    money: Money,
  ): schemas.Proposal {
    const { allocation, assets, fromUs, toUs, returns, leftOut, unknown } = found;
    const { method, quote, interval, cash, riskFreeRate } = body;
    const inYear = yearUs / intervalUs(interval);
    const cashMoney = money.balances.get(quote)?.available ?? zero;
    const held = assets.map((asset) => heldOf(money, asset, quote));
    const whole = held.map(({ current }) => current).reduce(add, cashMoney);
    const spread = multiply(whole, decimalOf(1 - cash), 'down');
    const targets = held.map((one, i) => ({
      ...one,
      worth: multiply(spread, decimalOf(nth(allocation.weights, i)), 'down'),
    }));
    const [expectedReturn, volatility] = [
      allocation.expectedReturn * inYear,
      allocation.deviation * Math.sqrt(inYear),
    ];
    return {
      ...{ portfolioId, method, quote, interval },
      from: timeFromUs(fromUs),
      to: timeFromUs(toUs),
      observations: returns.length,
      shrinkage: allocation.shrinkage,
      expectedReturn,
      volatility,
      sharpeRatio: volatility > 0 ? (expectedReturn - riskFreeRate) / volatility : null,
      weights: targets.map((target, i) => ({
        asset: target.rules.base,
        symbol: target.rules.symbol,
        weight: nth(allocation.weights, i),
        currentWeight: spread === zero ? 0 : Number(target.current) / Number(spread),
        riskShare: nth(allocation.riskShares, i),
        expectedReturn: nth(allocation.means, i) * inYear,
        volatility: nth(allocation.deviations, i) * Math.sqrt(inYear),
        target: decimalText(target.worth),
        current: decimalText(target.current),
      })),
      leftOut: [...unknown, ...leftOut],
      orders: rebalancingOrders(portfolioId, targets, cashMoney, paperFees.taker),
    };
  }

  function heldOf(money: Money, asset: string, quote: string): Omit<Target, 'worth'> & { current: Decimal } {
    const market = markets.find(source, asset, quote);
    if (market?.last === undefined)
      throw new TicklakeError('UNAVAILABLE', `the price of ${asset} is no longer known`, {
        remedy: 'Ask again.',
      });
    const available = money.balances.get(asset)?.available ?? zero;
    const { price } = market.last;
    return { rules: market.rules, price, available, current: multiply(available, price, 'down') };
  }
};

/** @throws CONFLICT where too little is known, or nothing is expected to gain; BAD_REQUEST for a cap that is too low */
function allocationOf(
  { method, maxWeight, interval, riskFreeRate }: schemas.ProposalRequest,
  { assets, returns, leftOut }: Observed,
): { allocation: Allocation } {
  const wanted = Math.max(observationsMin, assets.length + 2);
  if (assets.length === 0 || returns.length < wanted) {
    const why = leftOut.map(({ asset, reason }) => `${asset}: ${reason}`).join('; ');
    throw new TicklakeError(
      'CONFLICT',
      `the lake has too few returns of ${interval}: ${returns.length} in common, ${wanted} are needed${why && ` (${why})`}`,
      {
        remedy:
          'Backfill klines of that interval, ask for another one or for more periods, or leave assets out.',
      },
    );
  }
  if (assets.length * maxWeight < 1)
    throw new TicklakeError(
      'BAD_REQUEST',
      `${assets.length} assets of at most ${maxWeight} each do not make 1`,
      {
        remedy: 'Raise maxWeight, or name more assets whose returns are in the lake.',
      },
    );
  const riskless = riskFreeRate / (yearUs / intervalUs(interval));
  const allocation = allocate({ method, returns, cap: maxWeight, riskless });
  if (allocation !== undefined) return { allocation };
  throw new TicklakeError('CONFLICT', 'no asset has returned more than the rate without risk', {
    remedy: 'Stay in cash, or ask for minimum_variance or risk_parity.',
  });
}

/** A share as a decimal: of its 15 digits the first 12 count. */
function decimalOf(share: number): Decimal {
  return share <= 0 ? units(0n) : parseDecimal(share.toFixed(12));
}
