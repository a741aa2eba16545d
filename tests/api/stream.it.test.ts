import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { ServerMessage, StreamTrade } from '#api/schemas/stream.ts';
import { openTestLake, tradeRecords, type TestLake } from '#tests/support/lake.ts';
import { openService, source, type Service } from './service.ts';

let ground: TestLake;
let service: Service;
let url: string;
let symbol: string;
let markets = 0;

beforeAll(async () => {
  ground = await openTestLake();
  await startService();
});

afterAll(async () => {
  await service.close();
  await ground.close();
});

beforeEach(() => {
  markets += 1;
  symbol = `M${markets}USDT`;
});

async function startService(): Promise<void> {
  service = await openService(ground);
  const address = await service.app.listen({ host: '127.0.0.1', port: 0 });
  url = `${address.replace('http', 'ws')}/v1/stream`;
}

async function restartService(): Promise<void> {
  await service.close();
  await startService();
}

/** Trades [from, to) of the test's market, as the ingest would append them. */
async function append(from: number, to: number): Promise<void> {
  await ground.log.append('trades', tradeRecords(source, symbol, from, to));
}

interface Client {
  socket: WebSocket;
  messages: ServerMessage[];
  /** Of all trades received, in their order. */
  ids(): number[];
  token(): string;
  say(message: unknown): void;
  subscribe(resumeToken?: string): void;
  until(done: () => boolean): Promise<void>;
  close(): Promise<void>;
}

async function connect(headers: Record<string, string> = {}): Promise<Client> {
  const socket = new WebSocket(url, { headers });
  const messages: ServerMessage[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as ServerMessage));
  await once(socket, 'open');
  const withTrades = () =>
    messages.flatMap((message) =>
      (message.op === 'update' || message.op === 'snapshot') && message.channel === 'trades' ? [message] : [],
    );
  const client: Client = {
    socket,
    messages,
    ids: () => withTrades().flatMap(({ data }) => data.flatMap(({ trades }) => trades.map(idOf))),
    token: () => withTrades().at(-1)?.resumeToken ?? '',
    say: (message) => socket.send(JSON.stringify(message)),
    subscribe: (resumeToken) =>
      client.say({
        op: 'subscribe',
        channel: 'trades',
        symbols: [symbol],
        ...(resumeToken && { resumeToken }),
      }),
    until: (done) => vi.waitFor(() => expect(done()).toBe(true), { timeout: 20_000, interval: 10 }),
    async close() {
      if (socket.readyState === WebSocket.CLOSED) return;
      socket.close();
      await once(socket, 'close');
    },
  };
  return client;
}

const idOf = (trade: StreamTrade): number => trade.sequence;
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

/** A client that has a snapshot and has seen trades [1, to). */
async function clientAt(to: number): Promise<Client> {
  const client = await connect();
  client.subscribe();
  await client.until(() => client.messages.some(({ op }) => op === 'snapshot'));
  await append(1, to);
  await client.until(() => client.ids().length === to - 1);
  return client;
}

const patient = { timeout: 20_000, interval: 20 };

/** A metric of the service, over all its labels. */
async function figure(name: string): Promise<number> {
  const { values = [] } = (await service.metrics.registry.getSingleMetric(name)?.get()) ?? {};
  return values.reduce((sum, { value }) => sum + value, 0);
}

describe('a subscription', () => {
  it('is answered by a snapshot, then by what follows, each trade once', async () => {
    const first = await clientAt(51);
    const second = await connect();
    second.subscribe();
    await second.until(() => second.messages.length > 0);
    expect(second.messages[0]).toMatchObject({ op: 'snapshot', reset: false });
    expect(second.ids()).toEqual(range(1, 51));
    await append(40, 61);
    await append(61, 66);
    await Promise.all([first, second].map((client) => client.until(() => client.ids().includes(65))));
    expect(first.ids()).toEqual(range(1, 66));
    expect(second.ids()).toEqual(range(1, 66));
    await Promise.all([first.close(), second.close()]);
  });

  it('brings only the markets asked for, until they are given up', async () => {
    const client = await clientAt(3);
    const own = symbol;
    symbol = `${own}X`;
    await append(1, 4);
    client.say({ op: 'subscribe', channel: 'trades', symbols: [symbol] });
    await client.until(() => client.ids().length === 5);
    client.say({ op: 'unsubscribe', channel: 'trades', symbols: [symbol] });
    await client.until(() => client.messages.at(-1)?.op === 'unsubscribed');
    await append(4, 9);
    symbol = own;
    await append(3, 4);
    await client.until(() => client.ids().length === 6);
    expect(client.ids()).toEqual([1, 2, 1, 2, 3, 3]);
    await client.close();
  });
});

describe('a client that comes back with its last token', () => {
  it('misses nothing and gets nothing twice', async () => {
    const before = await clientAt(21);
    const token = before.token();
    await before.close();
    await append(15, 40);
    const after = await connect();
    after.subscribe(token);
    await append(40, 50);
    await after.until(() => after.ids().includes(49));
    expect(after.ids()).toEqual(range(21, 50));
    expect(after.messages.filter(({ op }) => op === 'snapshot')).toEqual([]);
    await after.close();
  });

  it('catches up out of the log when more was missed than is held in memory', async () => {
    const before = await clientAt(21);
    const token = before.token();
    await before.close();
    for (let from = 21; from < 6_021; from += 1_000) await append(from, from + 1_000);
    await append(15, 30);
    const after = await connect();
    after.subscribe(token);
    await after.until(() => after.messages.at(-1)?.op === 'resumed');
    await append(6_021, 6_031);
    await after.until(() => after.ids().includes(6_030));
    expect(after.ids()).toEqual(range(21, 6_031));
    expect(after.messages.filter(({ op }) => op === 'snapshot')).toEqual([]);
    await after.close();
  });

  it('is served by another process just the same', async () => {
    const before = await clientAt(21);
    const token = before.token();
    await before.close();
    await append(21, 5_021);
    await restartService();
    const after = await connect();
    after.subscribe(token);
    await append(5_021, 5_031);
    await after.until(() => after.ids().includes(5_030));
    expect(after.ids()).toEqual(range(21, 5_031));
    await after.close();
  });

  it.each([
    ['is no token', () => 'bm9uc2Vuc2U'],
    [
      'is of another log',
      () => Buffer.from('[1,"00000000-0000-0000-0000-000000000000",[0,0,0,0]]').toString('base64url'),
    ],
  ])('gets a fresh snapshot, marked, where it %s', async (_name, token) => {
    const before = await clientAt(11);
    await before.close();
    const after = await connect();
    after.subscribe(token());
    await after.until(() => after.messages.length > 0);
    expect(after.messages[0]).toMatchObject({ op: 'snapshot', reset: true });
    expect(after.ids()).toEqual(range(1, 11));
    await after.close();
  });
});

describe('the log', () => {
  it('may go away and come back', async () => {
    const client = await clientAt(11);
    await ground.database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test' and pid <> pg_backend_pid()",
    );
    await vi.waitFor(() => append(11, 21), { timeout: 20_000, interval: 100 });
    await client.until(() => client.ids().includes(20));
    expect(client.ids()).toEqual(range(1, 21));
    await client.close();
  });
});

describe('bounds', () => {
  it.each([
    'no json',
    '{"op":"subscribe","channel":"trades","symbols":[]}',
    '{"op":"subscribe","channel":"orders","symbols":["BTCUSDT"]}',
    '{"op":"subscribe","channel":"trades","symbols":["btc"]}',
  ])('answer %s with a problem, and go on', async (text) => {
    const client = await connect();
    client.socket.send(text);
    client.say({ op: 'ping' });
    await client.until(() => client.messages.length === 2);
    expect(client.messages).toMatchObject([
      { op: 'error', problem: { code: 'BAD_REQUEST', remedy: expect.any(String) } },
      { op: 'pong' },
    ]);
    await client.close();
  });

  it('close a client whose message is too large', async () => {
    const client = await connect();
    client.socket.send('x'.repeat(40 * 1024));
    const [code] = (await once(client.socket, 'close')) as [number];
    expect(code).toBe(1009);
  });

  it('close a client that does not read', { timeout: 150_000 }, async () => {
    const client = await clientAt(2);
    client.socket.pause();
    let next = 2;
    await vi.waitFor(
      async () => {
        await append(next, next + 10_000);
        next += 10_000;
        expect(
          (
            await service.metrics.registry.getSingleMetricAsString('ticklake_stream_slow_readers_total')
          ).trim(),
        ).toMatch(/ 1$/);
      },
      { timeout: 120_000, interval: 10 },
    );
    client.socket.resume();
    await client.until(() => client.socket.readyState === WebSocket.CLOSED);
  });

  it('hold for a client that leaves: what it has asked by then is not begun', async () => {
    const leaving = await connect();
    await ground.database.transaction(async (tx) => {
      // The service waits amid the first message, as it looks the key up.
      await tx.query('lock table identity.api_keys in access exclusive mode');
      leaving.say({ op: 'authenticate', token: `tlk_${'0'.repeat(32)}_${'0'.repeat(43)}` });
      leaving.subscribe();
      await vi.waitFor(async () => {
        const { rows } = await ground.database.query('select from pg_locks where not granted');
        expect(rows.length).toBeGreaterThan(0);
      }, patient);
      leaving.socket.terminate();
      await vi.waitFor(async () => expect(await figure('ticklake_stream_clients')).toBe(0), patient);
    });
    const next = await connect();
    next.subscribe();
    await next.until(() => next.messages.some(({ op }) => op === 'snapshot'));
    expect(await figure('ticklake_stream_subscriptions')).toBe(1);
    await next.close();
  });

  it('turn away pages of other sites', async () => {
    await expect(connect({ origin: 'https://evil.example' })).rejects.toThrow('400');
    await expect(connect({ host: 'evil.example' })).rejects.toThrow('400');
    const own = await connect({ origin: url.replace('ws', 'http').replace('/v1/stream', '') });
    await own.close();
  });
});
