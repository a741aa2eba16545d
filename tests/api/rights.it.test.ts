import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticate } from '#api/plugins/authenticate.ts';
import { rights } from '#api/rights.ts';
import type { Order } from '#api/schemas/orders.ts';
import type { Portfolio } from '#api/schemas/portfolios.ts';
import type { User } from '#api/schemas/identity.ts';
import { giveRole } from '#core/identity/users.ts';
import type { Role } from '#core/identity/roles.ts';
import { openTradingGround, type TradingGround } from './trading-ground.ts';

interface Operation {
  parameters?: { name: string; in: string; required?: boolean }[];
  requestBody?: {
    content: Record<string, { example?: object; examples?: Record<string, { value: object }> }>;
  };
}

const guarded = Object.entries(rights).filter(([, { who }]) => who !== 'anyone');
const ofObjects = guarded.filter(([, right]) => 'objects' in right).map(([route]) => route);
const lists = ['GET /v1/portfolios'];

let trading: TradingGround;
let owner: string;
let stranger: string;
let portfolioId: string;
let orderId: string;
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

/** A request that is right but for who asks: the example of the document, with the ids of the owner. */
async function asks(route: string, token?: string): Promise<{ status: number; body: string }> {
  const [method = '', path = ''] = route.split(' ');
  const ids: Record<string, string> = { portfolioId, orderId };
  const { parameters = [], requestBody } = operations[route] ?? {};
  const query = parameters.filter(({ in: where, name }) => where === 'query' && name === 'portfolioId');
  const media = requestBody?.content['application/json'];
  const example = media?.example ?? media?.examples?.['example1']?.value;
  if (requestBody !== undefined) expect(example, `${route} has an example`).toBeDefined();
  const answer = await trading.service.app.inject({
    method: method as 'GET',
    url: `${path.replace(/:(\w+)/g, (_, name: string) => ids[name] ?? name)}${query.length > 0 ? `?portfolioId=${portfolioId}` : ''}`,
    headers: { host: 'localhost', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    ...(example === undefined
      ? {}
      : { payload: 'portfolioId' in example ? { ...example, portfolioId } : example }),
  });
  return { status: answer.statusCode, body: answer.body };
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
    for (const route of lists) expect((await asks(route, stranger)).body).not.toContain(portfolioId);
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

  it('has a line for each route, or the service does not start', async () => {
    const app = fastify();
    await app.register(authenticate, trading.service.identity);
    expect(() => app.get('/v1/forgotten', () => 'open to all')).toThrow(/table of rights/);
    expect(() => app.get('/v1/hidden', { schema: { hide: true } }, () => 'open')).toThrow(/table of rights/);
    await app.close();
  });
});

async function state(): Promise<Portfolio> {
  return await trading.ask<Portfolio>('GET', `/v1/portfolios/${portfolioId}`, { token: owner });
}
