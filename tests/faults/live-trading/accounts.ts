import { randomUUID } from 'node:crypto';
import type { Alert, AlertList } from '#api/schemas/alerts.ts';
import type { NewSession } from '#api/schemas/identity.ts';
import type { Order, OrderList } from '#api/schemas/orders.ts';
import type { Portfolio, PortfolioSummary } from '#api/schemas/portfolios.ts';
import type { Static } from 'typebox';
import { SureClient, type Asked } from '../sure-client.ts';
import type { UpProcess } from '../up-process.ts';
import type { Trader } from './load.ts';

/** A live portfolio, and what its operator does beside placing orders. */
export interface Accounts {
  readonly client: SureClient;
  readonly live: Trader;
  /** The kill switch of the live portfolio; `cancelOrders` ends what is open, too. */
  setRisk(state: 'active' | 'halted', options?: { cancelOrders: boolean }): Promise<void>;
  riskState(): Promise<string>;
  cancelAll(): Promise<void>;
  /** The dead-man's switch. */
  cancelAfter(seconds: number): Promise<void>;
  openOrders(): Promise<Order[]>;
  /** Alerts that the exchange differs from the live portfolio. */
  alarms(): Promise<Alert[]>;
}

const user = { email: 'operator@live.invalid', password: 'correct horse battery staple' };
/** An outage lasts some seconds, and what is bought and sold at random grows and loses. */
const limits = {
  staleAfterMs: 24 * 3_600_000,
  positionNotionalMax: '10000000000',
  dailyLossMax: '1000000000',
};

/** Opens a portfolio of an operator's for the account at the exchange, with the money that this has. */
export async function openAccounts(
  up: UpProcess,
  money: Readonly<Record<string, string>>,
): Promise<Accounts> {
  const client = new SureClient(`http://127.0.0.1:${up.apiPort}`);
  const ask = async <T>(method: string, path: string, asked: Asked, wanted = 200): Promise<T> => {
    const { status, body } = await client.ask(method, path, asked);
    if (status !== wanted)
      throw new Error(`${method} ${path} was answered by ${status}: ${JSON.stringify(body)}`);
    return body as T;
  };
  await ask('POST', '/v1/users', { body: user }, 201);
  await up.run(['users', 'role', user.email, 'operator']);
  const { token } = await ask<NewSession>('POST', '/v1/sessions', { body: user }, 201);
  const opening = { name: 'Live', execution: 'live', limits };
  const { id: portfolioId } = await ask<PortfolioSummary>(
    'POST',
    '/v1/portfolios',
    { token, body: opening },
    201,
  );
  for (const [asset, amount] of Object.entries(money)) {
    const deposit = { token, key: randomUUID(), body: { asset, amount } };
    await ask('POST', `/v1/portfolios/${portfolioId}/deposits`, deposit, 201);
  }
  const open = ['pending', 'open', 'partially_filled'];
  return {
    client,
    live: { token, portfolioId },
    async setRisk(state, { cancelOrders } = { cancelOrders: false }) {
      const body = { state, portfolioId, reason: 'a drill', cancelOrders };
      await ask('PUT', '/v1/risk/state', { token, body });
    },
    async riskState() {
      return (await ask<Portfolio>('GET', `/v1/portfolios/${portfolioId}`, { token })).riskState;
    },
    async cancelAll() {
      await ask('DELETE', `/v1/orders?portfolioId=${portfolioId}`, { token });
    },
    async cancelAfter(seconds) {
      await ask('PUT', '/v1/orders/cancel-after', { token, body: { portfolioId, seconds } });
    },
    async openOrders() {
      const found: Order[] = [];
      for (const status of open) {
        const path = `/v1/orders?portfolioId=${portfolioId}&status=${status}&limit=1000`;
        found.push(...(await ask<Static<typeof OrderList>>('GET', path, { token })).items);
      }
      return found;
    },
    async alarms() {
      return (await ask<AlertList>('GET', '/v1/alerts?kind=venue_difference&limit=1000', { token })).items;
    },
  };
}
