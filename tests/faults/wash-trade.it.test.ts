import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AlertList } from '#api/schemas/alerts.ts';
import type { NewSession, User } from '#api/schemas/identity.ts';
import type { Order } from '#api/schemas/orders.ts';
import type { PortfolioSummary } from '#api/schemas/portfolios.ts';
import { giveRole } from '#core/identity/users.ts';
import { wash } from '#pipelines/watch-conduct/conduct.ts';
import { kafkaMissing, startTestKafka, type TestKafka } from '#tests/support/kafka.ts';
import { requires } from '#tests/support/require.ts';
import { SureClient } from './sure-client.ts';
import { openTradingRoles, symbol, type TradingRoles } from './trading-roles.ts';

const noKafka = await kafkaMissing();
const feedEveryMs = 100;

let kafka: TestKafka | undefined;
let roles: TradingRoles;
let client: SureClient;
const feeding = new AbortController();
let feed: Promise<void>;

beforeAll(async () => {
  kafka = await startTestKafka();
  if (kafka === undefined) return;
  roles = await openTradingRoles({ kafka });
  feed = (async () => {
    while (!feeding.signal.aborted) {
      await roles.trade('60000.00');
      await sleep(feedEveryMs);
    }
  })();
  roles.startTrader();
  roles.startEvents();
  client = new SureClient((await roles.startApi()).url);
}, 240_000);

afterAll(async () => {
  feeding.abort();
  await feed;
  await roles?.close();
  await kafka?.close();
});

async function signUp(email: string, role?: 'operator'): Promise<string> {
  const body = { email, password: 'correct horse battery staple' };
  const { id } = (await client.ask('POST', '/v1/users', { body })).body as User;
  if (role !== undefined) await giveRole(roles.lake.database, id, role);
  return ((await client.ask('POST', '/v1/sessions', { body })).body as NewSession).token;
}

async function trade(
  token: string,
  portfolioId: string,
  side: 'buy' | 'sell',
  quantity: string,
): Promise<void> {
  const body = { portfolioId, symbol, side, type: 'market', quantity };
  const { id } = (await client.ask('POST', '/v1/orders', { token, body })).body as Order;
  await roles.until(`the order to ${side} to be filled`, async () => {
    const { body: order } = await client.ask('GET', `/v1/orders/${id}`, { token });
    return (order as Order).status === 'filled';
  });
}

async function open(token: string): Promise<string> {
  const opening = { token, body: { name: 'Test' } };
  const { id } = (await client.ask('POST', '/v1/portfolios', opening)).body as PortfolioSummary;
  const body = { asset: 'USDT', amount: '100000' };
  await client.ask('POST', `/v1/portfolios/${id}/deposits`, { token, body });
  return id;
}

test(
  'whoever buys and sells the same again and again over REST raises one alert, on Kafka; who only buys raises none',
  { ...requires(noKafka === undefined, 'a Kafka broker', noKafka ?? ''), timeout: 300_000 },
  async () => {
    const operator = await signUp('operator@example.com', 'operator');
    const [washing, buying] = [await signUp('wash@example.com'), await signUp('buy@example.com')];
    const [washed, bought] = [await open(washing), await open(buying)];
    const alerts = async (): Promise<AlertList['items']> =>
      ((await client.ask('GET', '/v1/alerts', { token: operator })).body as AlertList).items;
    // One round trip more than it takes, so that a second alert would show.
    for (let trip = 0; trip <= wash.trips; trip++) {
      expect((await alerts()).length, `after ${trip} round trips`).toBe(trip < wash.trips ? 0 : 1);
      await trade(washing, washed, 'buy', '0.1');
      await trade(buying, bought, 'buy', '0.1');
      await trade(washing, washed, 'sell', '0.1');
      if (trip + 1 >= wash.trips) await roles.until('the alert', async () => (await alerts()).length > 0);
    }
    // What came after it is through when an event behind it is told.
    for (let order = 0; order < 5; order++) {
      const body = { portfolioId: bought, symbol, side: 'sell', type: 'market', quantity: '9' };
      expect((await client.ask('POST', '/v1/orders', { token: buying, body })).body).toMatchObject({
        status: 'rejected',
      });
    }
    await roles.until('the rejects to be told', async () => (await alerts()).length > 1);
    expect((await alerts()).map(({ kind, portfolioId }) => ({ kind, portfolioId }))).toEqual([
      { kind: 'repeated_rejects', portfolioId: bought },
      { kind: 'wash_trade', portfolioId: washed },
    ]);
  },
);
