import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Alert, AlertList } from '#api/schemas/alerts.ts';
import type { User } from '#api/schemas/identity.ts';
import type { PriceAlert, PriceAlertList } from '#api/schemas/price-alerts.ts';
import type { ServerMessage } from '#api/schemas/stream.ts';
import type { Notifications } from '#api/schemas/webhooks.ts';
import type { Severity } from '#core/alerts/alert.ts';
import { announce } from '#core/alerts/deliveries.ts';
import { giveRole } from '#core/identity/users.ts';
import { loadConfig } from '#core/platform/config.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { createPostgresLog } from '#core/streams/postgres.ts';
import { startEvents, type Events } from '#pipelines/deliver-events/role.ts';
import { startRelay, type OrdersRelay } from '#pipelines/relay-orders/relay.ts';
import type { Ask } from './asking.ts';
import { openTradingGround, type TradingGround } from './trading-ground.ts';

const bounds = { timeout: 30_000, interval: 25 };
const logPartitions = 4;

let trading: TradingGround;
let ask: Ask;
let database: Database;
let events: Events;
let relay: OrdersRelay;
let url: string;
/** Tokens; the operator watches over trading. */
let ann: string;
let bob: string;
let cat: string;
let operator: string;
const open: WebSocket[] = [];

beforeAll(async () => {
  trading = await openTradingGround();
  ask = trading.ask;
  const { ground, service } = trading;
  const { logger, url: databaseUrl, dir } = ground;
  const metrics = new Metrics();
  const login = { url: databaseUrl, setRole: 'ticklake_events' };
  database = openDatabase({ ...login, applicationName: 'events', logger, metrics });
  const log = createPostgresLog({ database, logger, metrics });
  const overrides = { dataDir: join(dir, 'data'), logPartitions };
  const config = loadConfig({ env: {}, cwd: dir, overrides });
  events = await startEvents({ config, database, log, logger, metrics });
  relay = await startRelay({ database: ground.database, log: ground.log, logger, metrics });
  const address = await service.app.listen({ host: '127.0.0.1', port: 0 });
  url = `${address.replace('http', 'ws')}/v1/stream`;
  const names = ['ann', 'bob', 'cat', 'operator'];
  const tokens = await Promise.all(names.map((name) => trading.signUp(`${name}@example.com`)));
  [ann = '', bob = '', cat = '', operator = ''] = tokens;
  const { id } = await ask<User>('GET', '/v1/users/me', { token: operator });
  await giveRole(ground.database, id, 'operator');
  service.identity.sessions.forget(id);
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.terminate();
});
afterAll(async () => {
  await events.close();
  await relay.close();
  await database.close();
  await trading.close();
});

type AlertMessage = Extract<ServerMessage, { op: 'snapshot' | 'update'; channel: 'alerts' }>;

/** A socket that follows alerts. */
async function follow(
  token: string,
  resumeToken?: string,
): Promise<{ said: ServerMessage[]; messages(): AlertMessage[]; told(): Alert[] }> {
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
  open.push(socket);
  const said: ServerMessage[] = [];
  socket.on('message', (data: Buffer) => said.push(JSON.parse(data.toString()) as ServerMessage));
  await once(socket, 'open');
  socket.send(JSON.stringify({ op: 'subscribe', channel: 'alerts', resumeToken }));
  await vi.waitFor(() => expect(said.length).toBeGreaterThan(0), bounds);
  const messages = (): AlertMessage[] =>
    said.filter(
      (message): message is AlertMessage =>
        (message.op === 'snapshot' || message.op === 'update') && message.channel === 'alerts',
    );
  return { said, messages, told: () => messages().flatMap(({ data }) => data) };
}

async function alertsOf(token: string, query = ''): Promise<Alert[]> {
  return (await ask<AlertList>('GET', `/v1/alerts${query}`, { token })).items;
}

async function untilAlerts(token: string, kind: string, count: number): Promise<Alert[]> {
  return await vi.waitFor(async () => {
    const items = await alertsOf(token, `?kind=${kind}`);
    expect(items).toHaveLength(count);
    return items;
  }, bounds);
}

async function setPrice(token: string, direction: 'above' | 'below', price: string): Promise<PriceAlert> {
  const body = { symbol: 'BTCUSDT', direction, price };
  return await ask<PriceAlert>('POST', '/v1/price-alerts', { token, body, status: 201 });
}

/** Raises one directly, as consumers do. */
async function raise(token: string, name: string, severity: Severity = 'info'): Promise<void> {
  const { id: userId } = await ask<User>('GET', '/v1/users/me', { token });
  const facts = { kind: 'webhook_disabled', severity, audience: 'user' } as const;
  await database.transaction((tx) =>
    announce(tx, [{ ...facts, causeKey: name, cause: name, detail: {}, userId }], { hasMail: false }),
  );
}

describe('price alerts', () => {
  it('are raised once, by the first trade that reaches them after they were set', async () => {
    const token = ann;
    const follower = await follow(token);
    expect(follower.messages()).toMatchObject([{ op: 'snapshot', reset: false, data: [] }]);
    await trading.trade('61000');
    await trading.trade('60500');
    const above = await setPrice(token, 'above', '61000');
    const below = await setPrice(token, 'below', '60000.5');
    expect(above).toMatchObject({ symbol: 'BTCUSDT', source: 'simulator:42', raisedAt: null });
    for (const price of ['60900', '61000.01', '61002', '60900', '61500']) await trading.trade(price);
    const [alert] = await untilAlerts(token, 'price_reached', 1);
    expect(alert).toMatchObject({ kind: 'price_reached', severity: 'info', acknowledgedAt: null });
    expect(alert?.cause).toContain('BTCUSDT was traded at 61000.01, at or above 61000');
    expect(alert?.detail).toMatchObject({ priceAlertId: above.id, tradePrice: '61000.01' });
    for (const price of ['60000.5', '59000', '62000']) await trading.trade(price);
    const both = await untilAlerts(token, 'price_reached', 2);
    expect(both[0]?.detail).toMatchObject({ priceAlertId: below.id, tradePrice: '60000.5' });
    await vi.waitFor(() => expect(follower.told()).toHaveLength(2), bounds);
    expect(follower.told().map(({ id }) => id)).toEqual(both.map(({ id }) => id).reverse());
    const { items } = await ask<PriceAlertList>('GET', '/v1/price-alerts', { token });
    expect(items.map(({ raisedAt }) => raisedAt === null)).toEqual([false, false]);
  });

  it('that are deleted are not raised, and are bounded', async () => {
    const token = bob;
    const gone = await setPrice(token, 'above', '90000');
    await ask('DELETE', `/v1/price-alerts/${gone.id}`, { token, status: 204 });
    await ask('DELETE', `/v1/price-alerts/${gone.id}`, { token, status: 404 });
    for (let set = 0; set < 100; set++) await setPrice(token, 'above', String(100_000 + set));
    const one = { symbol: 'BTCUSDT', direction: 'above', price: '99000' };
    await ask('POST', '/v1/price-alerts', { token, body: one, status: 409 });
    await trading.trade('95000');
    await trading.trade('60000');
    const page = await ask<PriceAlertList>('GET', '/v1/price-alerts?limit=60', { token });
    const rest = await ask<PriceAlertList>(
      'GET',
      `/v1/price-alerts?limit=60&cursor=${page.nextCursor ?? ''}`,
      { token },
    );
    expect(new Set([...page.items, ...rest.items].map(({ id }) => id)).size).toBe(100);
    expect(await alertsOf(token, '?kind=price_reached')).toEqual([]);
    const unknown = { ...one, symbol: 'NONE' };
    await ask('POST', '/v1/price-alerts', { token, body: unknown, status: 404 });
    await ask('POST', '/v1/price-alerts', { token, body: { ...one, price: '0' }, status: 400 });
  });
});

describe('unusual trading', () => {
  it('is told to who watches over trading, and to the user where it concerns them', async () => {
    const token = cat;
    const follower = await follow(operator);
    const portfolioId = await trading.openPortfolio(token);
    const order = { portfolioId, symbol: 'BTCUSDT', side: 'sell', type: 'market', quantity: '1' };
    for (let count = 0; count < 8; count++)
      await ask('POST', '/v1/orders', { token, body: order, status: 201 });
    const [own] = await untilAlerts(token, 'repeated_rejects', 1);
    expect(own).toMatchObject({ kind: 'repeated_rejects', severity: 'warning', portfolioId });
    expect(await alertsOf(operator, '?kind=repeated_rejects')).toEqual([own]);
    await vi.waitFor(() => expect(follower.told().map(({ id }) => id)).toContain(own?.id), bounds);
    // At once, so that a slow machine takes less than ten seconds, too.
    await Promise.all(
      Array.from({ length: 100 }, () =>
        ask('POST', '/v1/orders', {
          ...{ token, status: 201 },
          body: { ...order, side: 'buy', type: 'limit', quantity: '0.001', price: '50000' },
        }),
      ),
    );
    await untilAlerts(operator, 'order_burst', 1);
    // Who is suspected is not told.
    expect(await alertsOf(token)).toEqual([own]);
  });
});

describe('the channel alerts', () => {
  it('goes on where a client was, without repeats, and tells what was seen to', async () => {
    const token = bob;
    await raise(token, 'one');
    const client = await follow(token);
    expect(client.messages()).toMatchObject([{ op: 'snapshot', data: [{ cause: 'one' }] }]);
    await raise(token, 'two');
    await raise(ann, 'not theirs');
    await vi.waitFor(() => expect(client.told()).toHaveLength(2), bounds);
    const resumeToken = client.messages().at(-1)?.resumeToken;
    for (const socket of open.splice(0)) socket.terminate();
    for (const name of ['three', 'four']) await raise(token, name);
    const [four] = await alertsOf(token, '?limit=1');
    await ask('POST', `/v1/alerts/${four?.id}/acknowledge`, { token });
    const again = await follow(token, resumeToken);
    await vi.waitFor(() => expect(again.said.at(-1)).toEqual({ op: 'resumed', channel: 'alerts' }), bounds);
    expect(again.told().map(({ cause, acknowledgedAt }) => [cause, acknowledgedAt === null])).toEqual([
      ['three', true],
      ['four', false],
    ]);
    await raise(token, 'five');
    await vi.waitFor(() => expect(again.told()).toHaveLength(3), bounds);
    const sequences = again.told().map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
    expect(again.messages().at(-1)?.sequence).toBeGreaterThanOrEqual(sequences.at(-1) ?? 0);
  });

  it('begins anew by a token that is not of its user', async () => {
    await raise(ann, 'secret');
    const resumeToken = (await follow(ann)).messages()[0]?.resumeToken;
    for (const text of [resumeToken, 'nonsense']) {
      const client = await follow(bob, text);
      expect(client.messages()).toMatchObject([{ op: 'snapshot', reset: true }]);
      expect(client.told().map(({ cause }) => cause)).not.toContain('secret');
    }
  });

  it('is for who is signed in', async () => {
    const client = await follow('nonsense');
    expect(client.said).toMatchObject([{ op: 'error', problem: { code: 'UNAUTHENTICATED' } }]);
  });
});

describe('alerts', () => {
  it('are acknowledged once, by who sees them', async () => {
    const token = cat;
    await raise(token, 'mine');
    const [alert] = await alertsOf(token);
    const path = `/v1/alerts/${alert?.id}/acknowledge`;
    for (const who of [bob, operator]) await ask('POST', path, { token: who, status: 404 });
    const { id: userId } = await ask<User>('GET', '/v1/users/me', { token });
    const first = await ask<Alert>('POST', path, { token });
    expect(first).toMatchObject({ acknowledgedBy: userId });
    expect(await ask<Alert>('POST', path, { token })).toEqual(first);
    expect(await alertsOf(token, '?state=acknowledged')).toEqual([first]);
    expect(await alertsOf(token, '?state=open&kind=webhook_disabled')).toEqual([]);
  });

  it('come in pages', async () => {
    const token = ann;
    for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) await raise(token, name, 'critical');
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const page = await ask<AlertList>('GET', `/v1/alerts?severity=critical&limit=2${cursor}`, { token });
      seen.push(...page.items.map(({ cause }) => cause));
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(seen).toEqual(['p5', 'p4', 'p3', 'p2', 'p1']);
    const foreign = Buffer.from(`1@${'-'.repeat(36)}`).toString('base64url');
    await ask('GET', `/v1/alerts?cursor=${foreign}`, { token, status: 400 });
  });
});

describe('webhooks and mail of a user', () => {
  it('are made, switched and deleted, with a secret that is shown once', async () => {
    const token = ann;
    const body = { url: 'https://example.com/hooks', topics: ['alerts', 'orders'] };
    const made = await ask<{ id: string; secret: string }>('POST', '/v1/webhooks', {
      ...{ token, body, status: 201 },
    });
    expect(made).toMatchObject({ isActive: true, url: body.url, topics: body.topics });
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { rows } = await trading.ground.database.query<{ sealed: Buffer }>(
      'select sealed_secret as sealed from alerts.webhooks',
    );
    expect(rows[0]?.sealed.includes(Buffer.from(made.secret.slice(6), 'base64'))).toBe(false);
    const list = await ask<{ items: object[] }>('GET', '/v1/webhooks', { token });
    expect(JSON.stringify(list)).not.toContain(made.secret);
    expect(list.items).toHaveLength(1);
    const path = `/v1/webhooks/${made.id}`;
    await ask('PATCH', path, { token: bob, body: { isActive: false }, status: 404 });
    const stopped = await ask<object>('PATCH', path, { token, body: { isActive: false } });
    expect(stopped).toMatchObject({ isActive: false, disabledBecause: 'its user stopped it' });
    const active = await ask<object>('PATCH', path, { token, body: { isActive: true } });
    expect(active).toMatchObject({ isActive: true, disabledBecause: null });
    const deliveries = await ask<object>('GET', `${path}/deliveries`, { token });
    expect(deliveries).toEqual({ items: [], nextCursor: null });
    await ask('DELETE', path, { token, status: 204 });
    await ask('GET', `${path}/deliveries`, { token, status: 404 });
  });

  it('lead to the public Internet, over TLS', async () => {
    const token = bob;
    const hidden = [
      'http://example.com/',
      'https://localhost/',
      'https://127.0.0.1/',
      'https://2130706433/',
      'https://0x7f.1/',
      'https://[::1]/',
      'https://[::ffff:10.0.0.1]/',
      'https://169.254.169.254/latest/meta-data',
      'https://user:password@example.com/',
      'ftp://example.com/',
      'not a URL at all',
    ];
    for (const place of hidden) {
      const body = { url: place, topics: ['alerts'] };
      await ask('POST', '/v1/webhooks', { token, body, status: 400 });
    }
  });

  it('are mailed what they ask for, which is nothing at first', async () => {
    const token = ann;
    const path = '/v1/users/me/notifications';
    expect(await ask<Notifications>('GET', path, { token })).toEqual({ mailSeverity: null });
    for (const mailSeverity of ['warning', null, 'info'] as const) {
      await ask('PUT', path, { token, body: { mailSeverity } });
      expect(await ask<Notifications>('GET', path, { token })).toEqual({ mailSeverity });
    }
  });
});
