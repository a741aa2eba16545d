import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { recordAudit } from '#core/identity/audit.ts';
import type { Caller } from '#core/identity/sessions.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Command } from '#core/trading/command.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import { readGlobalRisk, setGlobalRisk } from '#core/trading/kill-switch.ts';
import type { RiskState } from '#core/trading/portfolio.ts';
import { readPortfolio } from '#core/trading/read.ts';
import type { Guard } from '#core/trading/writer.ts';
import { addressOf, askerOf, callerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import { NoQuery } from '../schemas/lake.ts';
import * as schemas from '../schemas/portfolios.ts';
import { changedLimits, nowUs } from '../trading/input.ts';
import type { Trading } from '../trading/open.ts';
import { shownLimits } from '../trading/shown.ts';

const portfoliosAtOnce = 256;
const strictness: Readonly<Record<RiskState, number>> = { active: 0, reducing: 1, halted: 2 };

/** Limits, and the switches that stop trading. */
export const riskRoutes: FastifyPluginCallbackTypebox<Trading> = (app, trading, done) => {
  const { database, writer, owners } = trading;

  app.get(
    '/v1/portfolios/:portfolioId/risk',
    {
      schema: {
        tags: ['portfolios'],
        summary: 'Limits of a portfolio, its risk state and that of all',
        params: schemas.PortfolioParams,
        querystring: NoQuery,
        response: { 200: schemas.PortfolioRisk, ...problemAnswers },
      },
    },
    async (request) => {
      const { portfolioId } = request.params;
      await owners.checkPortfolio(askerOf(request), portfolioId);
      return await riskOf(portfolioId);
    },
  );

  app.put(
    '/v1/portfolios/:portfolioId/risk',
    {
      schema: {
        tags: ['portfolios'],
        summary: 'Set limits or the risk state of a portfolio',
        description: 'Whose portfolio it is may make its state stricter; an operator may loosen it again.',
        params: schemas.PortfolioParams,
        querystring: NoQuery,
        body: schemas.RiskChange,
        response: { 200: schemas.PortfolioRisk, ...problemAnswers },
      },
    },
    async (request) => {
      const { portfolioId } = request.params;
      const { state, limits, reason = 'requested' } = request.body;
      await owners.checkPortfolio(askerOf(request), portfolioId);
      const caller = callerOf(request);
      const common = { portfolioId, atUs: nowUs(), by: caller.userId };
      const commands: Command[] = [];
      if (limits !== undefined) {
        const { portfolio } = await stored(portfolioId);
        commands.push({ ...common, kind: 'set_limits', limits: changedLimits(portfolio.limits, limits) });
      }
      if (state !== undefined) commands.push({ ...common, kind: 'set_risk', risk: state, reason });
      const guard = state === undefined ? undefined : mayLoosen(caller, portfolioId, state);
      for (const outcome of await writer.submitTogether(commands, guard)) {
        if ('refused' in outcome) throw outcome.refused;
      }
      return await riskOf(portfolioId);
    },
  );

  app.put(
    '/v1/risk/state',
    {
      schema: {
        tags: ['portfolios'],
        summary: 'The kill switch: of all portfolios, or of one',
        description: 'Once it is answered no order is accepted that the new state forbids.',
        querystring: NoQuery,
        body: schemas.RiskSwitch,
        response: { 200: schemas.RiskSwitched, ...problemAnswers },
      },
    },
    async (request) => {
      const { state, reason, portfolioId, cancelOrders } = request.body;
      const by = callerOf(request).userId;
      if (portfolioId === undefined) {
        await setGlobalRisk(database, { risk: state, by, reason, atUs: nowUs() });
      } else {
        await writer.submit({ kind: 'set_risk', portfolioId, atUs: nowUs(), risk: state, by, reason });
        const detail = `${state} for portfolio ${portfolioId}: ${reason}`;
        await recordAudit(database, {
          event: 'kill_switch',
          actorId: by,
          address: addressOf(request),
          detail,
        });
      }
      const meant = portfolioId === undefined ? await portfoliosWithOrders() : [portfolioId];
      const canceledOrders = cancelOrders ? await cancelAll(meant) : 0;
      return { state, portfolioId: portfolioId ?? null, canceledOrders };
    },
  );
  done();

  async function riskOf(portfolioId: string): Promise<schemas.PortfolioRisk> {
    const [{ portfolio }, { risk }] = await Promise.all([stored(portfolioId), readGlobalRisk(database)]);
    return { state: portfolio.risk, globalState: risk, limits: shownLimits(portfolio.limits) };
  }

  async function stored(portfolioId: string) {
    const found = await readPortfolio(database, portfolioId);
    if (found === undefined) throw new TicklakeError('INTERNAL', `portfolio ${portfolioId} has no head`);
    return found;
  }

  async function portfoliosWithOrders(): Promise<string[]> {
    const { rows } = await database.query<{ id: string }>(
      `select distinct portfolio_id as id from trading.orders
        where status in ('pending', 'open', 'partially_filled')`,
    );
    return rows.map(({ id }) => id);
  }

  async function cancelAll(portfolioIds: readonly string[]): Promise<number> {
    let canceled = 0;
    for (let from = 0; from < portfolioIds.length; from += portfoliosAtOnce) {
      const some = portfolioIds.slice(from, from + portfoliosAtOnce);
      const answers = await Promise.all(
        some.map((portfolioId) =>
          writer.submit({ kind: 'cancel_all', portfolioId, atUs: nowUs(), reason: 'kill_switch' }),
        ),
      );
      for (const { events } of answers) {
        canceled += events.filter(isCancel).length;
      }
    }
    return canceled;
  }
};

/** An order that was cancelled, or whose exchange is to end it. */
function isCancel({ type }: NumberedEvent): boolean {
  return type === 'order_canceled' || type === 'order_cancel_requested';
}

/** Checked under the lock of the portfolio, so that a halt set meanwhile is not taken off unseen. */
function mayLoosen(caller: Caller, portfolioId: string, state: RiskState): Guard {
  return async (tx) => {
    if (caller.role === 'operator' || caller.role === 'admin') return;
    const { rows } = await tx.query<{ risk: RiskState }>(
      'select risk from trading.heads where portfolio_id = $1',
      [portfolioId],
    );
    const [head] = rows;
    if (head === undefined || strictness[state] >= strictness[head.risk]) return;
    throw new TicklakeError('FORBIDDEN', `the portfolio is ${head.risk}, which only an operator loosens`, {
      remedy: 'Ask an operator: PUT /v1/risk/state, or `ticklake risk state`.',
    });
  };
}
