import { once } from 'node:events';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { NewSession } from '#api/schemas/identity.ts';
import type { Order } from '#api/schemas/orders.ts';
import type { PortfolioSummary } from '#api/schemas/portfolios.ts';
import type { Problem } from '#api/schemas/common.ts';
import type { ServerMessage } from '#api/schemas/stream.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { encodeTrade } from '#core/market/trade.ts';
import { kafkaMissing, startTestKafka, type TestKafka } from '#tests/support/kafka.ts';
import { requires } from '#tests/support/require.ts';
import { outageDocs, outages, outageTable, type Outage, type Outcome } from './outage-table.ts';
import { SureClient } from './sure-client.ts';
import { openTradingRoles, source, symbol, type ApiProcess, type TradingRoles } from './trading-roles.ts';

const missing = await kafkaMissing();
const askMs = 20_000;
const credentials = { email: 'ann@example.com', password: 'correct horse battery staple' };
const lakeTrades = 1_200;

it('is in docs/reliability.md as it is tested', async () => {
  const docs = await readFile(join(import.meta.dirname, '../../docs/reliability.md'), 'utf8');
  expect(docs).toContain(outageDocs());
});

describe(
  'with Postgres, the log or the files gone',
  requires(missing === undefined, 'Kafka', missing ?? ''),
  () => {
    let kafka: TestKafka;
    let roles: TradingRoles;
    let api: ApiProcess;
    let token: string;
    let portfolioId: string;
    let held: Held;
    let tradeId = 1_000_000;
    const placed: string[] = [];

    beforeAll(async () => {
      const started = await startTestKafka();
      if (started === undefined) throw new Error(missing);
      kafka = started;
      roles = await openTradingRoles({ kafka });
      await roles.trade('60000.00');
      [api] = await Promise.all([roles.startApi(), fillLake()]);
      roles.startTrader();
      const client = new SureClient(api.url);
      await client.ask('POST', '/v1/users', { body: credentials });
      ({ token } = (await client.ask('POST', '/v1/sessions', { body: credentials })).body as NewSession);
      // A price that is as old as an outage is long will do.
      const opening = { name: 'Test', limits: { staleAfterMs: 3_600_000 } };
      const opened = await client.ask('POST', '/v1/portfolios', { token, key: 'open', body: opening });
      portfolioId = (opened.body as PortfolioSummary).id;
      const body = { asset: 'USDT', amount: '1000000' };
      await client.ask('POST', `/v1/portfolios/${portfolioId}/deposits`, { token, key: 'deposit', body });
      held = await follow();
      await untilWell();
      // Only the trader tells of orders: it must have started before anything is taken from it.
      await untilLastTold();
    }, 240_000);

    afterAll(async () => {
      held?.socket.terminate();
      await roles?.close();
      await kafka?.close();
    });

    /** Trades that were taken into the lake, by a consumer that is gone again. */
    async function fillLake(): Promise<void> {
      const { lake } = roles;
      const consumer = await lake.startConsumer();
      const records = Array.from({ length: lakeTrades }, (_, index) => record(index + 100));
      await lake.log.append(tradesTopic, records);
      await roles.until('the trades to be in the lake', async () => {
        const { rows } = await lake.database.query<{ held: number }>(
          'select coalesce(sum(hi - lo), 0)::integer as held from lake.coverage where source = $1',
          [source],
        );
        return (rows[0]?.held ?? 0) >= lakeTrades;
      });
      await consumer.close();
    }

    function record(id: number): { key: string; value: string } {
      const trade = { source, symbol, tradeId: id, price: '60000.00', volume: '0.5', side: 'buy' as const };
      const value = encodeTrade({ ...trade, timestampUs: Date.now() * 1_000 }, 'stream', '0');
      return { key: tradeKey(source, symbol), value };
    }

    async function get(path: string, more: RequestInit = {}): Promise<Outcome> {
      const answer = await fetch(`${api.url}${path}`, { ...more, signal: AbortSignal.timeout(askMs) });
      const text = await answer.text();
      if (answer.ok) {
        const [age, status] = [answer.headers.get('age'), answer.headers.get('cache-status')];
        expect(status === null, `${path} ${status}`).toBe(age === null);
        return age === null ? 'answers' : 'last answer';
      }
      const problem = JSON.parse(text) as Problem;
      expect([503, 504], `${path} ${text}`).toContain(problem.status);
      expect(problem.retryable, text).toBe(true);
      return 'refused';
    }

    const signed = (): { headers: Record<string, string> } => ({
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });

    async function place(): Promise<Outcome> {
      const order = { portfolioId, symbol, side: 'buy', type: 'limit', quantity: '0.001', price: '59000' };
      const answer = await fetch(`${api.url}/v1/orders`, {
        ...{ method: 'POST', body: JSON.stringify(order), signal: AbortSignal.timeout(askMs), ...signed() },
      });
      if (answer.status !== 201) {
        expect([503, 504]).toContain(answer.status);
        return 'refused';
      }
      placed.push(((await answer.json()) as Order).id);
      return 'answers';
    }

    interface Held {
      socket: WebSocket;
      said: ServerMessage[];
    }

    async function follow(): Promise<Held> {
      const socket = new WebSocket(`${api.url.replace('http', 'ws')}/v1/stream`, signed());
      const said: ServerMessage[] = [];
      socket.on('error', () => undefined);
      socket.on('message', (data: Buffer) => said.push(JSON.parse(data.toString()) as ServerMessage));
      await once(socket, 'open');
      socket.send(JSON.stringify({ op: 'subscribe', channel: 'orders', portfolioId }));
      await roles.until('the socket to answer', () => Promise.resolve(said.length > 0));
      return { socket, said };
    }

    async function ownOrders(): Promise<string> {
      const { socket, said } = await follow();
      socket.terminate();
      const [first] = said;
      expect(first?.op === 'snapshot' || (first?.op === 'error' && first.problem.retryable)).toBe(true);
      const onSocket = first?.op === 'snapshot' ? 'answers' : 'refused';
      return await outcomeOf(Promise.resolve(onSocket), get(`/v1/portfolios/${portfolioId}`, signed()));
    }

    /** A snapshot comes by itself; whether news do is seen by a trade. */
    async function livePrices(): Promise<Outcome> {
      const socket = new WebSocket(`${api.url.replace('http', 'ws')}/v1/stream`);
      const said: ServerMessage[] = [];
      socket.on('message', (data: Buffer) => said.push(JSON.parse(data.toString()) as ServerMessage));
      await once(socket, 'open');
      socket.send(JSON.stringify({ op: 'subscribe', channel: 'trades', symbols: [symbol] }));
      await roles.until('a snapshot', () => Promise.resolve(said.some(({ op }) => op === 'snapshot')));
      tradeId += 1;
      const isSent = await roles.lake.log.append(tradesTopic, [record(tradeId)]).then(
        () => true,
        () => false,
      );
      if (isSent) await roles.until('news', () => Promise.resolve(said.some(({ op }) => op === 'update')));
      socket.terminate();
      return isSent ? 'answers' : 'last answer';
    }

    /** Each outcome there was: one, but for the moment in which things mend. */
    async function outcomeOf(...asked: Promise<Outcome>[]): Promise<string> {
      return [...new Set(await Promise.all(asked))].join(' and ');
    }

    /** The orders that who follows them was told of. */
    function told(): string[] {
      return held.said.flatMap((message) =>
        message.op === 'update' && message.channel === 'orders'
          ? message.data.flatMap(({ type, order }) => (type === 'order_accepted' ? [order.id] : []))
          : [],
      );
    }

    async function untilLastTold(): Promise<void> {
      await roles.until('the last order to be told', () =>
        Promise.resolve(told().includes(placed.at(-1) ?? '')),
      );
    }

    /** In the order of the table. */
    const asks: (() => Promise<string>)[] = [
      () => outcomeOf(get('/metrics'), get('/openapi.json'), get('/asyncapi.json')),
      () => get('/.well-known/jwks.json'),
      () => get(`/v1/markets/${symbol}`),
      () => get(`/v1/markets/${symbol}/trades?limit=5`),
      () => outcomeOf(get('/v1/lake/coverage'), get('/v1/signals')),
      livePrices,
      ownOrders,
      place,
      () =>
        get('/v1/sessions', { method: 'POST', body: JSON.stringify(credentials), headers: signed().headers }),
    ];

    async function observed(): Promise<Record<string, string>> {
      const found: Record<string, string> = {};
      for (const [index, { what }] of outageTable.entries())
        found[what] = (await asks[index]?.()) ?? 'refused';
      return found;
    }

    async function untilWell(): Promise<void> {
      await roles.until('everything to answer again', async () =>
        Object.values(await observed()).every((outcome) => outcome === 'answers'),
      );
    }

    async function downBy(): Promise<string[]> {
      const health = (await (await fetch(`${api.url}/health`)).json()) as {
        dependencies: { name: string; status: string }[];
      };
      return health.dependencies.filter(({ status }) => status === 'down').map(({ name }) => name);
    }

    const warehouse = (): string => join(roles.lake.dir, 'warehouse');
    const ways: Record<Outage, { name: string; begin(): Promise<void>; end(): Promise<void> }> = {
      Postgres: {
        name: 'postgres',
        begin: () => roles.lake.postgres.stop(),
        end: () => roles.lake.postgres.start(),
      },
      log: { name: 'log', begin: () => kafka.kill(), end: () => kafka.restart() },
      files: {
        name: 'lake',
        begin: () => rename(warehouse(), `${warehouse()}.gone`),
        end: () => rename(`${warehouse()}.gone`, warehouse()),
      },
    };

    it.each(outages)(
      'what still answers without %s is as the table says, and it mends by itself',
      async (outage) => {
        const { name, begin, end } = ways[outage];
        await begin();
        try {
          await roles.until('health to name it', async () => (await downBy()).includes(name));
          const expected = Object.fromEntries(outageTable.map(({ what, while: of }) => [what, of[outage]]));
          // What was just read is told for a moment without asking.
          await roles.until(
            'prices and coverage to be asked for again',
            async () =>
              (await get(`/v1/markets/${symbol}`)) === expected['the price of a market'] &&
              (await get('/v1/lake/coverage')) === expected['coverage, signals'],
          );
          expect(await observed()).toEqual(expected);
        } finally {
          await end();
        }
        await untilWell();
        await roles.until('health to be well', async () => (await downBy()).length === 0);
      },
      300_000,
    );

    it('whoever followed their orders meanwhile was told of each once, in order', async () => {
      await untilLastTold();
      expect(told().filter((id) => placed.includes(id))).toEqual(placed);
    }, 150_000);
  },
);
