import fastify from 'fastify';
import { startApi } from '#api/server.ts';
import type { Benchmark } from '#bench/benchmark.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { encodeTrade } from '#core/market/trade.ts';
import { openTradingWriter } from '#core/trading/writer.ts';
import { openMarketOrders } from './orders.ts';
import { askOften, type Requests } from './requests.ts';
import { signedIn } from './user.ts';

const portfolios = 200;
const runMs = 4_000;
const inFlight = 64;
const source = 'simulator:42';
const portfolioPerSecond = 1_000;
const portfolioP99TargetMs = 10;

/**
 * `POST /v1/orders` with all its checks, beside a bare route of Fastify that makes the same group commit; and the query of a
 * portfolio beside its target. Clients are on a thread of their own.
 */
export async function postOrders(): Promise<Benchmark> {
  const runtime = await openBenchRuntime({ apiPort: 0, apiUserWeight: 1_000_000_000 });
  const { metrics } = runtime;
  const { database } = runtime.lake;
  await database.query(
    `insert into ingest.symbols (source, symbol, listing, base, quote, status, tick_size, step_size, min_notional)
     values ($1, 'BTCUSDT', 'BTCUSDT#1', 'BTC', 'USDT', 'TRADING', '0.01', '0.01', '0')`,
    [source],
  );
  const api = await startApi({ ...runtime, database });
  const { userId, token } = await signedIn(runtime);
  const market = openMarketOrders();
  const writer = openTradingWriter({ database, surroundings: market.surroundings, metrics });
  const ids = await market.openPortfolios(writer, portfolios, userId);
  const bare = fastify();
  bare.post<{ Body: { portfolioId: string } }>('/orders', async ({ body }, reply) => {
    const { events } = await writer.submit(market.placement(body.portfolioId));
    const [event] = events;
    return await reply.code(201).send({ number: event?.number, type: event?.type });
  });
  const peer = await bare.listen({ host: '127.0.0.1', port: 0 });

  const order = { symbol: 'BTCUSDT', side: 'buy', type: 'limit', quantity: '0.01', price: '100' };
  const posts: Omit<Requests, 'url'> = {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    bodies: ids.map((portfolioId) => JSON.stringify({ portfolioId, ...order })),
    ...{ status: 201, inFlight, runMs },
  };
  const ours = () => askOften({ ...posts, url: `${api.url}/v1/orders` });
  const theirs = () => askOften({ ...posts, url: `${peer}/orders` });
  const queries = (): ReturnType<typeof askOften> =>
    askOften({
      ...{ ...posts, method: 'GET', bodies: [], status: 200, inFlight: 32, duePerSecond: portfolioPerSecond },
      url: `${api.url}/v1/portfolios/${ids.at(-1) ?? ''}`,
    });
  const trade = async (): Promise<void> => {
    const value = encodeTrade(
      {
        ...{ source, symbol: 'BTCUSDT', tradeId: 1, price: '100', volume: '1', side: 'buy' },
        timestampUs: Date.now() * 1_000,
      },
      'stream',
      String(Date.now() * 1_000_000),
    );
    await runtime.log.append(tradesTopic, [{ key: tradeKey(source, 'BTCUSDT'), value }]);
  };
  await trade();
  await ours();
  await theirs();

  return {
    lines: [
      { name: 'trading.post_orders', unit: 'orders/s', peerName: 'a bare route with the same group commit' },
      { name: 'trading.portfolio', unit: 'ms, p99 at 1,000/s', peerName: 'the target' },
    ],
    async round() {
      const [own, other] = [await ours(), await theirs()];
      const { rows } = await database.query(`select from trading.orders where status = 'rejected' limit 1`);
      if (rows.length > 0) throw new Error('orders were rejected');
      const asked = await queries();
      return [
        { ours: own.perSecond, peer: other.perSecond },
        { ours: asked.p99Ms, peer: portfolioP99TargetMs },
      ];
    },
    async close() {
      await bare.close();
      await writer.close();
      await api.close();
      await runtime.close();
    },
  };
}
