import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NewSession } from '#api/schemas/identity.ts';
import type { Order } from '#api/schemas/orders.ts';
import type { Portfolio, PortfolioSummary } from '#api/schemas/portfolios.ts';
import { parseEvent } from '#core/trading/codec.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import { SureClient } from './sure-client.ts';
import { openTradingRoles, symbol, type TradingRoles } from './trading-roles.ts';

const staleAfterMs = 2_000;
/** By how much an API may take the venue's clock to be behind, as it waits for its turn. */
const clockMsMax = 10_000;
const feedEveryMs = 100;
const askEveryMs = 50;

let roles: TradingRoles;
let client: SureClient;
let token: string;
let price = '60000.00';
let feed: { stop(): Promise<void> };

beforeAll(async () => {
  roles = await openTradingRoles();
  feed = startFeed();
  roles.startTrader();
  client = new SureClient((await roles.startApi()).url);
  const body = { email: 'ann@example.com', password: 'correct horse battery staple' };
  await client.ask('POST', '/v1/users', { body });
  ({ token } = (await client.ask('POST', '/v1/sessions', { body })).body as NewSession);
}, 240_000);

afterAll(async () => {
  await feed.stop();
  await roles.close();
});

/** A trade every moment at the price that is. */
function startFeed(): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await roles.trade(price);
      await sleep(feedEveryMs);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function openPortfolio(limits: object): Promise<string> {
  const opening = { token, body: { name: 'Test', limits } };
  const { id } = (await client.ask('POST', '/v1/portfolios', opening)).body as PortfolioSummary;
  const body = { asset: 'USDT', amount: '1000000' };
  await client.ask('POST', `/v1/portfolios/${id}/deposits`, { token, body });
  return id;
}

async function place(portfolioId: string, more: object): Promise<Order> {
  const body = { portfolioId, symbol, quantity: '0.1', ...more };
  const answer = await client.ask('POST', '/v1/orders', { token, body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body as Order;
}

async function eventsOf(portfolioId: string): Promise<NumberedEvent[]> {
  const { rows } = await roles.lake.database.query<{ body: string }>(
    'select body from trading.events where portfolio_id = $1 order by number',
    [portfolioId],
  );
  return rows.map(({ body }) => parseEvent(body).event);
}

test('orders are refused once the feed has been silent for the limit, and accepted again when it is back', async () => {
  const id = await openPortfolio({ staleAfterMs });
  const rest = { side: 'buy', type: 'limit', price: '59000', quantity: '0.001' };
  const ask = async (): Promise<string | null> => (await place(id, rest)).rejectCode ?? null;
  const untilAnswered = async (wanted: string | null): Promise<(string | null)[]> => {
    const codes: (string | null)[] = [];
    await roles.until(`orders to be answered by ${wanted}`, async () => {
      codes.push(await ask());
      return codes.at(-1) === wanted;
    });
    return codes;
  };
  await untilAnswered(null);

  await feed.stop();
  const silentSinceUs = Date.now() * 1_000;
  const accepted = (await untilAnswered('MARKET_DATA_STALE')).slice(0, -1);
  expect(accepted.every((code) => code === null)).toBe(true);
  // Nobody but a trade makes it fresh again.
  for (let turn = 0; turn < 20; turn++) {
    expect(await ask()).toBe('MARKET_DATA_STALE');
    await sleep(askEveryMs);
  }
  const backAtUs = Date.now() * 1_000;
  feed = startFeed();
  const refused = (await untilAnswered(null)).slice(0, -1);
  expect(refused.every((code) => code === 'MARKET_DATA_STALE')).toBe(true);

  for (const event of await eventsOf(id)) {
    if (event.type === 'order_accepted') expect(event.decision.priceAgeMs).toBeLessThanOrEqual(staleAfterMs);
    if (event.type === 'order_accepted' && event.atUs < backAtUs)
      expect(event.atUs).toBeLessThanOrEqual(silentSinceUs + (staleAfterMs + clockMsMax) * 1_000);
    if (event.type === 'order_rejected') expect(event.decision.priceAgeMs).toBeGreaterThan(staleAfterMs);
  }
}, 300_000);

test('a fall of prices beyond the daily loss sets a portfolio to reducing by itself', async () => {
  const [id, calm] = [
    await openPortfolio({ dailyLossMax: '100' }),
    await openPortfolio({ dailyLossMax: '100000' }),
  ];
  const buy = { side: 'buy', type: 'market' };
  for (const each of [id, calm]) {
    const order = await place(each, buy);
    await roles.until('the order to be filled', async () => {
      const { body } = await client.ask('GET', `/v1/orders/${order.id}`, { token });
      return (body as Order).status === 'filled';
    });
    await roles.until('the first look at prices', async () =>
      (await eventsOf(each)).some(({ type }) => type === 'day_opened'),
    );
  }
  const riskOf = async (portfolioId: string): Promise<string> =>
    ((await client.ask('GET', `/v1/portfolios/${portfolioId}`, { token })).body as Portfolio).riskState;
  expect([await riskOf(id), await riskOf(calm)]).toEqual(['active', 'active']);

  price = '55000.00';
  await roles.until('the portfolio to be reducing', async () => (await riskOf(id)) === 'reducing');
  expect(await place(id, buy)).toMatchObject({ status: 'rejected', rejectCode: 'ONLY_REDUCING' });
  expect(await place(id, { side: 'sell', type: 'limit', price: '56000' })).toMatchObject({ status: 'open' });
  const set = (await eventsOf(id)).filter((event) => event.type === 'risk_set');
  expect(set).toMatchObject([{ risk: 'reducing', by: 'daily_loss' }]);
  // By as much, but within its limit.
  expect(await riskOf(calm)).toBe('active');
  expect((await place(calm, buy)).rejectCode).toBe(null);
  const books = (await client.ask('GET', `/v1/reconciliation?portfolioId=${id}`, { token })).body;
  expect(books).toMatchObject({ isRight: true });
}, 300_000);
