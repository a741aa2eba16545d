import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { User } from '#api/schemas/identity.ts';
import type { Order } from '#api/schemas/orders.ts';
import type { PrivateAnswer, StreamBalance, StreamOrderEvent } from '#api/schemas/private-stream.ts';
import type { ServerMessage } from '#api/schemas/stream.ts';
import type { Role } from '#core/identity/roles.ts';
import { giveRole } from '#core/identity/users.ts';
import { startRelay, type OrdersRelay } from '#pipelines/relay-orders/relay.ts';
import type { Ask } from './asking.ts';
import { collectLog } from '#tests/support/log-lines.ts';
import { openTradingGround, type TradingGround } from './trading-ground.ts';

const written = collectLog();
let trading: TradingGround;
let ask: Ask;
let relay: OrdersRelay;
let url: string;
let token: string;
const open: WebSocket[] = [];
const limitBuy = { symbol: 'BTCUSDT', side: 'buy', type: 'limit', quantity: '0.001', price: '59000' };

beforeAll(async () => {
  trading = await openTradingGround({ logger: written.logger });
  ask = trading.ask;
  token = await trading.signUp('ann@example.com');
  const { database, log, logger, metrics } = trading.ground;
  relay = await startRelay({ database, log, logger, metrics });
  const address = await trading.service.app.listen({ host: '127.0.0.1', port: 0 });
  url = `${address.replace('http', 'ws')}/v1/stream`;
});

afterEach(() => {
  for (const socket of open.splice(0)) socket.terminate();
});

afterAll(async () => {
  await relay.close();
  await trading.close();
});

type Data = Extract<PrivateAnswer, { op: 'snapshot' | 'update' }>;

interface Client {
  socket: WebSocket;
  messages: ServerMessage[];
  say(message: object): void;
  /** Waits for a message that comes after those waited for before. */
  next(op: string): Promise<ServerMessage & Record<string, unknown>>;
  /** Waits until all events up to a number of a channel were told. */
  until(channel: string, sequence: number): Promise<void>;
  data(channel: 'orders' | 'balances'): Data[];
}

async function connect(
  headers: Record<string, string> = { authorization: `Bearer ${token}` },
): Promise<Client> {
  const socket = new WebSocket(url, { headers });
  open.push(socket);
  const messages: ServerMessage[] = [];
  let read = 0;
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as ServerMessage));
  await once(socket, 'open');
  const bounds = { timeout: 20_000, interval: 10 };
  const data = (channel: string): Data[] =>
    messages.filter(
      (message): message is Data =>
        (message.op === 'snapshot' || message.op === 'update') && message.channel === channel,
    );
  return {
    ...{ socket, messages, data },
    say: (message) => socket.send(JSON.stringify(message)),
    async next(op) {
      return await vi.waitFor(() => {
        const index = messages.findIndex((message, at) => at >= read && message.op === op);
        expect(index, `${op} among ${JSON.stringify(messages.slice(read))}`).toBeGreaterThanOrEqual(0);
        read = index + 1;
        return messages[index] as ServerMessage & Record<string, unknown>;
      }, bounds);
    },
    async until(channel, sequence) {
      await vi.waitFor(() => expect(data(channel).at(-1)?.sequence).toBe(sequence), bounds);
    },
  };
}

async function place(portfolioId: string, more: object = {}): Promise<Order> {
  const body = { portfolioId, ...limitBuy, ...more };
  return await ask<Order>('POST', '/v1/orders', { token, body, status: 201 });
}

function eventsOf(data: readonly Data[]): StreamOrderEvent[] {
  return data.flatMap((message) =>
    message.op === 'update' && message.channel === 'orders' ? message.data : [],
  );
}

describe('the channel orders', () => {
  it('has the open orders, then all that happens, each once and in order', async () => {
    const portfolioId = await trading.openPortfolio(token);
    const first = await place(portfolioId);
    const client = await connect();
    client.say({ op: 'subscribe', channel: 'orders', portfolioId });
    expect(await client.next('snapshot')).toMatchObject({
      ...{ channel: 'orders', portfolioId, sequence: 3, reset: false },
      data: [{ id: first.id, status: 'open' }],
    });
    const second = await place(portfolioId);
    await place(portfolioId, { quantity: '1' });
    await ask('DELETE', `/v1/orders/${first.id}`, { token });
    await client.until('orders', 6);
    const events = eventsOf(client.data('orders'));
    expect(events.map(({ number, type }) => [number, type])).toEqual([
      [4, 'order_accepted'],
      [5, 'order_rejected'],
      [6, 'order_canceled'],
    ]);
    expect(events[0]?.order).toEqual(second);
    expect(events[1]?.order).toMatchObject({ status: 'rejected', rejectCode: 'INSUFFICIENT_BALANCE' });
  });

  it('goes on where a client was, for ever, without repeats', async () => {
    const portfolioId = await trading.openPortfolio(token);
    const client = await connect();
    client.say({ op: 'subscribe', channel: 'orders', portfolioId });
    const { resumeToken } = await client.next('snapshot');
    client.socket.terminate();
    for (let count = 0; count < 30; count += 1) await place(portfolioId);
    const again = await connect();
    again.say({ op: 'subscribe', channel: 'orders', portfolioId, resumeToken });
    await again.next('resumed');
    await place(portfolioId);
    await again.until('orders', 33);
    const numbers = eventsOf(again.data('orders')).map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: 31 }, (_, index) => index + 3));
  });

  it('begins anew by a token that it does not know, and says so', async () => {
    const portfolioId = await trading.openPortfolio(token);
    const client = await connect();
    for (const resumeToken of ['nonsense', Buffer.from('1:999').toString('base64url')]) {
      client.say({ op: 'subscribe', channel: 'orders', portfolioId, resumeToken });
      expect(await client.next('snapshot')).toMatchObject({ reset: true, sequence: 2 });
    }
  });

  it('tells what the log has passed over', async () => {
    const portfolioId = await trading.openPortfolio(token);
    const client = await connect();
    client.say({ op: 'subscribe', channel: 'orders', portfolioId });
    await client.next('snapshot');
    const { database } = trading.ground;
    await database.transaction(async (tx) => {
      // Holds the relay back until what it would have sent is gone.
      await tx.query('select pg_advisory_xact_lock(7240002)');
      await place(portfolioId);
      await tx.query('delete from trading.outbox where portfolio_id = $1', [portfolioId]);
    });
    await place(portfolioId);
    await client.until('orders', 4);
    expect(eventsOf(client.data('orders')).map(({ number }) => number)).toEqual([3, 4]);
  });
});

describe('the channel balances', () => {
  it('has what there is, then what changes', async () => {
    const portfolioId = await trading.openPortfolio(token, '1000');
    const client = await connect();
    client.say({ op: 'subscribe', channel: 'balances', portfolioId });
    expect(await client.next('snapshot')).toMatchObject({
      data: [{ asset: 'USDT', total: '1000', available: '1000', held: '0' }],
    });
    const order = await place(portfolioId);
    await client.until('balances', 3);
    expect(usdt(client)).toEqual({ asset: 'USDT', total: '1000', available: '940.941', held: '59.059' });
    await ask('DELETE', `/v1/orders/${order.id}`, { token });
    await client.until('balances', 4);
    expect(usdt(client)).toMatchObject({ available: '1000', held: '0' });
    const resumeToken = client.data('balances').at(-1)?.resumeToken;
    await place(portfolioId);
    await client.until('balances', 5);
    const again = await connect();
    again.say({ op: 'subscribe', channel: 'balances', portfolioId, resumeToken });
    await again.next('resumed');
    expect(usdt(again)).toEqual(usdt(client));
  });

  function usdt(client: Client): StreamBalance | undefined {
    const last = client.data('balances').at(-1);
    return last?.channel === 'balances' ? last.data.find(({ asset }) => asset === 'USDT') : undefined;
  }
});

describe('orders on the socket', () => {
  it('are placed and cancelled as over REST, and both know the same keys', async () => {
    const portfolioId = await trading.openPortfolio(token);
    const client = await connect();
    const order = { portfolioId, ...limitBuy };
    const idempotencyKey = randomUUID();
    client.say({ op: 'placeOrder', id: 'a', order, idempotencyKey });
    const placed = await client.next('placed');
    expect(placed).toMatchObject({ id: 'a', isReplay: false, order: { status: 'open', portfolioId } });
    const headers = { 'idempotency-key': idempotencyKey };
    expect(await ask('POST', '/v1/orders', { token, body: order, headers, status: 201 })).toEqual(
      placed['order'],
    );
    client.say({ op: 'placeOrder', id: 'b', order, idempotencyKey });
    expect(await client.next('placed')).toMatchObject({ id: 'b', isReplay: true, order: placed['order'] });
    client.say({ op: 'placeOrder', id: 'c', order: { ...order, quantity: '0.002' }, idempotencyKey });
    expect(await client.next('refused')).toMatchObject({
      id: 'c',
      problem: { code: 'IDEMPOTENCY_CONFLICT' },
    });
    const { id: orderId } = placed['order'] as Order;
    client.say({ op: 'cancelOrder', id: 'd', orderId });
    expect(await client.next('canceled')).toMatchObject({ id: 'd', order: { status: 'canceled' } });
    client.say({ op: 'cancelOrder', id: 'e', orderId });
    expect(await client.next('refused')).toMatchObject({ id: 'e', problem: { code: 'ORDER_OVER' } });
  });
});

describe('rights on the socket', () => {
  it('are those of a session: by header, by cookie, or by the first message', async () => {
    const portfolioId = await trading.openPortfolio(token);
    const subscribe = { op: 'subscribe', channel: 'orders', portfolioId };
    const client = await connect({});
    client.say(subscribe);
    expect(await client.next('error')).toMatchObject({ problem: { code: 'UNAUTHENTICATED' } });
    client.say({ op: 'placeOrder', id: 'a', order: { portfolioId, ...limitBuy } });
    expect(await client.next('refused')).toMatchObject({ problem: { code: 'UNAUTHENTICATED' } });
    client.say({ op: 'authenticate', token: 'nonsense' });
    expect(await client.next('error')).toMatchObject({ problem: { code: 'UNAUTHENTICATED' } });
    client.say({ op: 'authenticate', token });
    await client.next('authenticated');
    client.say(subscribe);
    await client.next('snapshot');
    const page = await connect({ cookie: `ticklake_session=${token}` });
    page.say(subscribe);
    await page.next('snapshot');
  });

  it("do not reach another's portfolios and orders", async () => {
    const portfolioId = await trading.openPortfolio(token);
    const { id: orderId } = await place(portfolioId);
    const stranger = await trading.signUp(`${randomUUID()}@example.com`);
    const { id: userId } = await ask<User>('GET', '/v1/users/me', { token: stranger });
    const before = written.lines.length;
    const client = await connect({ authorization: `Bearer ${stranger}` });
    for (const channel of ['orders', 'balances']) {
      client.say({ op: 'subscribe', channel, portfolioId });
      expect(await client.next('error')).toMatchObject({ problem: { code: 'NOT_FOUND' } });
    }
    client.say({ op: 'placeOrder', id: 'a', order: { portfolioId, ...limitBuy } });
    expect(await client.next('refused')).toMatchObject({ problem: { code: 'NOT_FOUND' } });
    client.say({ op: 'cancelOrder', id: 'b', orderId });
    expect(await client.next('refused')).toMatchObject({ problem: { code: 'NOT_FOUND' } });
    expect(await ask<Order>('GET', `/v1/orders/${orderId}`, { token })).toMatchObject({ status: 'open' });
    const asked = ['subscribe orders', 'subscribe balances', 'placeOrder', 'cancelOrder'];
    expect(written.lines.slice(before)).toMatchObject(
      asked.map((what) => ({ event: 'refused', code: 'NOT_FOUND', what: `socket ${what}`, userId })),
    );
  });

  it('end with the session', async () => {
    const own = await trading.signUp(`${randomUUID()}@example.com`);
    const portfolioId = await trading.openPortfolio(own);
    const client = await connect({ authorization: `Bearer ${own}` });
    client.say({ op: 'subscribe', channel: 'orders', portfolioId });
    await client.next('snapshot');
    await ask('DELETE', '/v1/sessions/current', { token: own, status: 204 });
    client.say({ op: 'placeOrder', id: 'a', order: { portfolioId, ...limitBuy } });
    expect(await client.next('refused')).toMatchObject({ problem: { code: 'UNAUTHENTICATED' } });
  });

  it.each([
    [
      'the session has ended',
      (own: string) => ask('DELETE', '/v1/sessions/current', { token: own, status: 204 }),
    ],
    ['their user has another role', (_: string, userId: string) => become(userId, 'trader')],
  ])('are over within half a minute where %s, whatever is asked meanwhile', async (_, change) => {
    const portfolioId = await trading.openPortfolio(token);
    const own = await trading.signUp(`${randomUUID()}@example.com`);
    const { id: userId } = await ask<User>('GET', '/v1/users/me', { token: own });
    await become(userId, 'operator');
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const client = await connect({ authorization: `Bearer ${own}` });
    const closed = once(client.socket, 'close');
    client.say({ op: 'subscribe', channel: 'orders', portfolioId });
    await client.next('snapshot');
    await change(own, userId);
    client.say({ op: 'placeOrder', id: 'a', order: { portfolioId, ...limitBuy } });
    await client.next('refused');
    vi.advanceTimersByTime(30_000);
    expect((await closed)[0]).toBe(4001);
  });

  async function become(userId: string, role: Role): Promise<void> {
    await giveRole(trading.ground.database, userId, role);
    trading.service.identity.sessions.forget(userId);
  }
});
