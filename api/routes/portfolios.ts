import { randomUUID } from 'node:crypto';
import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { defaultLimits } from '#core/trading/limits.ts';
import { listPortfolios, readTransactions, type PortfolioFacts } from '#core/trading/read.ts';
import { replay, type ReplayEnd } from '#core/trading/replay.ts';
import { instantUs, timeFromUs } from '../format.ts';
import { untilAnswered } from '../job-runs.ts';
import { addressOf, askerOf, callerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import { NoQuery } from '../schemas/lake.ts';
import * as schemas from '../schemas/portfolios.ts';
import { numberCursor, placeCursor, pageAfter } from '../trading/cursors.ts';
import { changedLimits, nowUs } from '../trading/input.ts';
import { moneyOf, readMoney } from '../trading/money.ts';
import { accountGuard, assertLive } from '../trading/live.ts';
import type { Trading } from '../trading/open.ts';
import { replayMsMax } from '../trading/replays.ts';
import { shownTransaction } from '../trading/transactions.ts';
import { worthOf } from '../trading/worth.ts';

export const portfolioRoutes: FastifyPluginCallbackTypebox<Trading> = (app, trading, done) => {
  const { database, writer, markets, owners, replays, defaultSource } = trading;
  const { liveSource }: Trading = trading;
  const priceOf = (base: string, quote: string) => markets.find(defaultSource, base, quote)?.last?.price;

  app.post(
    '/v1/portfolios',
    {
      schema: {
        tags: ['portfolios'],
        summary: 'Open a portfolio, which has no money yet',
        querystring: NoQuery,
        body: schemas.NewPortfolio,
        response: { 201: schemas.PortfolioSummary, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { name, limits, execution } = request.body;
      const caller = callerOf(request);
      const { userId } = caller;
      const [portfolioId, openedAtUs] = [randomUUID(), nowUs()];
      const opening = {
        ...{ kind: 'open_portfolio' as const, portfolioId, atUs: openedAtUs, userId, name },
        limits: changedLimits(defaultLimits, limits ?? {}),
      };
      let venue: string | null = null;
      if (execution === 'live') {
        assertLive(caller, liveSource);
        venue = liveSource;
        const entry = { actorId: userId, address: addressOf(request) };
        await writer.submitGuarded({ ...opening, venue }, accountGuard(venue, portfolioId, entry));
      } else {
        await writer.submit(opening);
      }
      reply.code(201).header('location', `/v1/portfolios/${portfolioId}`);
      return shownFacts({ id: portfolioId, userId, name, openedAtUs, venue });
    },
  );

  app.get(
    '/v1/portfolios',
    {
      schema: {
        tags: ['portfolios'],
        summary: 'Your portfolios, the oldest first',
        querystring: schemas.PortfoliosQuery,
        response: { 200: schemas.PortfolioList, ...problemAnswers },
      },
    },
    async (request) => {
      const { cursor, limit } = request.query;
      const place = placeCursor(cursor);
      const found = await listPortfolios(database, callerOf(request).userId, {
        ...(place === undefined ? {} : { after: { openedAtUs: place.timeUs, id: place.id } }),
        limit: limit + 1,
      });
      const { items, nextCursor } = pageAfter(found, limit, ({ openedAtUs, id }) => `${openedAtUs}@${id}`);
      return { items: items.map(shownFacts), nextCursor };
    },
  );

  app.get(
    '/v1/portfolios/:portfolioId',
    {
      handlerTimeout: replayMsMax,
      schema: {
        tags: ['portfolios'],
        summary: 'Balances, holdings, and what they are worth',
        params: schemas.PortfolioParams,
        querystring: schemas.PortfolioQuery,
        response: { 200: schemas.Portfolio, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { portfolioId } = request.params;
      const asker = askerOf(request);
      await owners.checkPortfolio(asker, portfolioId);
      const { valuedIn, asOf } = request.query;
      const stored = await readMoney(database, portfolioId);
      const signal = untilAnswered(reply);
      const replayed = async (to: string) => {
        const work = async () => await replay(database, portfolioId, { ...replayEnd(to), signal });
        return await replays.run(asker.caller.userId, work, signal);
      };
      const money = asOf === undefined ? stored.money : moneyOf(await replayed(asOf));
      return {
        ...shownFacts(stored.facts),
        eventNumber: money.number,
        riskState: money.risk,
        cancelAfter: money.cancelAfterUs === undefined ? null : timeFromUs(money.cancelAfterUs),
        openOrders: money.openOrders,
        ...worthOf(money, valuedIn, priceOf),
      };
    },
  );

  app.get(
    '/v1/transactions',
    {
      schema: {
        tags: ['portfolios'],
        summary: 'Deposits, withdrawals and fills of a portfolio, the newest first',
        querystring: schemas.TransactionsQuery,
        response: { 200: schemas.TransactionList, ...problemAnswers },
      },
    },
    async (request) => {
      const { portfolioId, cursor, limit } = request.query;
      await owners.checkPortfolio(askerOf(request), portfolioId);
      const before = numberCursor(cursor);
      const found = await readTransactions(database, portfolioId, { before, limit: limit + 1 });
      const { items, nextCursor } = pageAfter(found, limit, ({ number }) => String(number));
      return { items: items.flatMap((event) => shownTransaction(portfolioId, event) ?? []), nextCursor };
    },
  );
  done();
};

function shownFacts({ id, name, openedAtUs, venue }: PortfolioFacts): schemas.PortfolioSummary {
  return { id, name, execution: venue === null ? 'paper' : 'live', createdAt: timeFromUs(openedAtUs) };
}

function replayEnd(asOf: string): ReplayEnd {
  return /^\d+$/.test(asOf) ? { number: Number(asOf) } : { atUs: instantUs(asOf) };
}
