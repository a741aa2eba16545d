import { randomUUID } from 'node:crypto';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticate } from '#api/plugins/authenticate.ts';
import { createRateLimits } from '#api/rate-limits.ts';
import { rightOf, rights } from '#api/rights.ts';
import type { MadeApiKey } from '#api/schemas/api-keys.ts';
import type { Order } from '#api/schemas/orders.ts';
import type { Portfolio } from '#api/schemas/portfolios.ts';
import type { User } from '#api/schemas/identity.ts';
import { scopes, type Scope } from '#core/identity/api-keys.ts';
import { giveRole } from '#core/identity/users.ts';
import type { Role } from '#core/identity/roles.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openTradingGround, type TradingGround } from './trading-ground.ts';

interface Operation {
  parameters?: { name: string; in: string; required?: boolean }[];
  requestBody?: {
    content: Record<string, { example?: object; examples?: Record<string, { value: object }> }>;
  };
}

const guarded = Object.entries(rights).filter(([, { who }]) => who !== 'anyone');
const ofObjects = guarded.filter(([, right]) => 'objects' in right).map(([route]) => route);
/** They answer with what is reached, and be it nothing. */
const lists = [
  ...['GET /v1/portfolios', 'GET /v1/alerts', 'GET /v1/price-alerts', 'GET /v1/webhooks', 'GET /v1/query'],
  ...['GET /v1/analytics/volume', 'GET /v1/analytics/users', 'GET /v1/analytics/performance'],
];

let trading: TradingGround;
let owner: string;
let stranger: string;
let portfolioId: string;
let orderId: string;
/** Of the owner's objects, by the names of their parameters. */
let ids: Record<string, string>;
let operations: Record<string, Operation>;

beforeAll(async () => {
  trading = await openTradingGround();
  owner = await trading.signUp('owner@example.com');
  stranger = await trading.signUp('stranger@example.com');
  portfolioId = await trading.openPortfolio(owner);
  const body = {
    portfolioId,
    symbol: 'BTCUSDT',
    side: 'buy',
    type: 'limit',
    quantity: '0.01',
    price: '59000',
  };
  ({ id: orderId } = await trading.ask<Order>('POST', '/v1/orders', { token: owner, body, status: 201 }));
  ids = { portfolioId, orderId, queryId: randomUUID(), ...(await openAlerts()) };
  const { paths } = await trading.ask<{ paths: Record<string, Record<string, Operation>> }>(
    'GET',
    '/openapi.json',
  );
  operations = Object.fromEntries(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [
        `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
        operation,
      ]),
    ),
  );
});

afterAll(async () => {
  await trading.close();
});

/** What the owner is told, and wants to be told. */
async function openAlerts(): Promise<Record<string, string>> {
  const { ask, ground } = trading;
  const made = async (path: string, body: object): Promise<string> =>
    (await ask<{ id: string }>('POST', path, { token: owner, body, status: 201 })).id;
  const { id: userId } = await ask<User>('GET', '/v1/users/me', { token: owner });
  const { rows } = await ground.database.query<{ id: string }>(
    `insert into alerts.alerts (sequence, cause_key, kind, severity, cause, detail, audience, user_id)
     values (0, 'test', 'price_reached', 'info', 'a price in USDT', '{}', 'user', $1) returning alert_id as id`,
    [userId],
  );
  return {
    alertId: rows[0]?.id ?? '',
    priceAlertId: await made('/v1/price-alerts', { symbol: 'BTCUSDT', direction: 'above', price: '70000' }),
    webhookId: await made('/v1/webhooks', { url: 'https://example.com/', topics: ['alerts'] }),
  };
}

/** A request that is right but for who asks: the example of the document, with the ids of the owner. */
async function asks(route: string, token?: string): Promise<{ status: number; body: string }> {
  const [method = '', path = ''] = route.split(' ');
  const { parameters = [], requestBody } = operations[route] ?? {};
  const query = parameters.filter(({ in: where, name }) => where === 'query' && name === 'portfolioId');
  const media = requestBody?.content['application/json'];
  const example = media?.example ?? media?.examples?.['example1']?.value;
  if (requestBody !== undefined) expect(example, `${route} has an example`).toBeDefined();
  const answer = await trading.service.app.inject({
    method: method as 'GET',
    url: `${path.replace(/:(\w+)/g, (_, name: string) => ids[name] ?? name)}${query.length > 0 ? `?portfolioId=${portfolioId}` : ''}`,
    headers: {
      ...{ host: 'localhost', 'content-type': 'application/json' },
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(example === undefined
      ? {}
      : { payload: 'portfolioId' in example ? { ...example, portfolioId } : example }),
  });
  return { status: answer.statusCode, body: answer.body };
}

async function keyFor(token: string, ...given: Scope[]): Promise<string> {
  const body = { name: given.join(), scopes: given };
  return (await trading.ask<MadeApiKey>('POST', '/v1/api-keys', { token, body, status: 201 })).key;
}

async function withRole(role: Role): Promise<string> {
  const token = await trading.signUp(`${role}@example.com`);
  const { id } = await trading.ask<User>('GET', '/v1/users/me', { token });
  await giveRole(trading.ground.database, id, role);
  trading.service.identity.sessions.forget(id);
  return token;
}

describe('the table of rights', () => {
  it('lets nobody in without a session', async () => {
    expect(guarded.length).toBeGreaterThan(15);
    for (const [route] of guarded) {
      for (const token of [undefined, 'nonsense']) {
        expect((await asks(route, token)).status, route).toBe(401);
      }
    }
  });

  it('keeps what is for some roles from the others', async () => {
    const some = guarded.filter(([, { who }]) => !who.includes('trader')).map(([route]) => route);
    expect(some).toContain('PUT /v1/risk/state');
    for (const route of some) expect((await asks(route, stranger)).status, route).toBe(403);
  });

  it("does not find another's objects", async () => {
    const before = await state();
    for (const route of ofObjects.filter((candidate) => !lists.includes(candidate))) {
      const { status, body } = await asks(route, stranger);
      expect(status, `${route}: ${body}`).toBe(404);
      expect(body, route).not.toMatch(/USDT|balance/);
    }
    for (const route of lists) {
      const { status, body } = await asks(route, stranger);
      expect(status === 404 || !body.includes(portfolioId), `${route}: ${body}`).toBe(true);
    }
    const { items } = await trading.ask<{ items: Order[] }>('GET', '/v1/orders', { token: stranger });
    expect(items).toEqual([]);
    expect(await state()).toEqual(before);
  });

  it('shows those of all to who watches over trading, who cannot trade on them', async () => {
    const operator = await withRole('operator');
    const analyst = await withRole('analyst');
    const before = await state();
    for (const route of ofObjects.filter((candidate) => !lists.includes(candidate))) {
      const right = rights[route];
      const isWatched = right !== undefined && 'objectsOfAll' in right;
      if (isWatched && route.startsWith('GET')) expect((await asks(route, operator)).status, route).toBe(200);
      if (!isWatched) expect((await asks(route, operator)).status, route).toBe(404);
      expect((await asks(route, analyst)).status, route).toBe(404);
    }
    expect(await state()).toEqual(before);
  });

  it('lets a key do what it is for, and no key touch the account', async () => {
    const keys = { read: await keyFor(owner, 'read'), trade: await keyFor(owner, 'trade') };
    const both = await keyFor(owner, ...scopes);
    const counts = { read: 0, trade: 0, session: 0 };
    for (const [route, { who }] of guarded) {
      const [method = '', path = ''] = route.split(' ');
      const right = rightOf(method, path);
      const scope = right !== undefined && 'scope' in right ? right.scope : undefined;
      if (scope === undefined || !who.includes('trader')) continue;
      counts[scope] += 1;
      for (const other of scopes.filter((candidate) => candidate !== scope)) {
        expect((await asks(route, keys[other])).status, `${route} with ${other}`).toBe(403);
      }
      const { status, body } = await asks(route, both);
      if (scope === 'session') expect(status, route).toBe(403);
      else expect([401, 403, 429], `${route}: ${body}`).not.toContain(status);
    }
    expect(counts.read).toBeGreaterThan(8);
    expect(counts.trade).toBeGreaterThan(5);
    expect(counts.session).toBeGreaterThan(7);
  });

  it("gives a key no more than its user's role, and no more of others' objects", async () => {
    const key = await keyFor(stranger, ...scopes);
    expect((await asks('PUT /v1/risk/state', key)).status).toBe(403);
    expect((await asks('GET /v1/audit', key)).status).toBe(403);
    for (const route of ofObjects.filter((candidate) => !lists.includes(candidate))) {
      expect([403, 404], route).toContain((await asks(route, key)).status);
    }
  });

  it('has a line for each route, or the service does not start', async () => {
    const app = fastify();
    const { sessions } = trading.service.identity;
    const limits = createRateLimits({
      config: { apiAddressRequests: 1, apiUserWeight: 100 },
      metrics: new Metrics(),
    });
    await app.register(authenticate, { sessions, limits, isPublic: false });
    expect(() => app.get('/v1/forgotten', () => 'open to all')).toThrow(/table of rights/);
    expect(() => app.get('/v1/hidden', { schema: { hide: true } }, () => 'open')).toThrow(/table of rights/);
    await app.close();
  });
});

async function state(): Promise<Portfolio> {
  return await trading.ask<Portfolio>('GET', `/v1/portfolios/${portfolioId}`, { token: owner });
}
