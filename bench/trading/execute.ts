import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Order } from '#api/schemas/orders.ts';
import { quantile, type Benchmark } from '#bench/benchmark.ts';
import { startRole } from '#bench/support/role.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { encodeTrade } from '#core/market/trade.ts';
import { openTradingWriter } from '#core/trading/writer.ts';
import { registerSymbols } from '#pipelines/ingest-trades/symbols.ts';
import { openMarketOrders } from './orders.ts';
import { signedIn } from './user.ts';

const source = 'simulator:42';
const symbol = 'BTCUSDT';
const tradeEveryMs = 50;
const orderEveryMs = 100;
const ordersPerRound = 150;
const answersMsMax = 30_000;
const targetMs = 50;

/**
 * Milliseconds from a market order being posted to its fill reaching its owner's socket; the API and the trader are roles of
 * their own, and the market is traded twenty times a second. Beside the target.
 */
export async function execute(): Promise<Benchmark> {
  const runtime = await openBenchRuntime();
  const { metrics, log } = runtime;
  const { database } = runtime.connection;
  await registerSymbols(database, source, [
    {
      ...{ symbol, base: 'BTC', quote: 'USDT', status: 'TRADING' },
      ...{ tickSize: '0.01', stepSize: '0.01', minNotional: '0' },
    },
  ]);
  const { userId, token } = await signedIn(runtime);
  const market = openMarketOrders();
  const writer = openTradingWriter({ database, surroundings: market.surroundings, metrics });
  const [portfolioId = ''] = await market.openPortfolios(writer, 1, userId);
  await writer.close();

  const stopping = new AbortController();
  const traded = keepTrading(stopping.signal);
  const trader = await startRole(runtime, 'trader');
  const api = await startRole(runtime, 'api', { TICKLAKE_API_PORT: '0' });
  const url = api.details['url'] ?? '';
  const filledMs = new Map<string, number>();
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream`, { headers });
  socket.on('message', (data: Buffer) => {
    const { data: events = [] } = JSON.parse(data.toString()) as {
      data?: { type: string; order?: { id: string; status: string } }[];
    };
    for (const { order } of events) if (order?.status === 'filled') filledMs.set(order.id, performance.now());
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ op: 'subscribe', channel: 'orders', portfolioId }));
  const deadlineMs = performance.now() + answersMsMax;
  while (!(await fetch(`${url}/v1/markets/${symbol}`, { headers })).ok) {
    if (performance.now() > deadlineMs) throw new Error('no price came');
    await sleep(100);
  }
  await round(ordersPerRound / 5);

  return {
    lines: ['trading.execute_p50', 'trading.execute'].map((name) => ({
      ...{ name, unit: name === 'trading.execute' ? 'ms, p99' : 'ms, p50', peerName: 'the target' },
    })),
    async round() {
      const tookMs = await round(ordersPerRound);
      return [0.5, 0.99].map((q) => ({ ours: quantile(tookMs, q), peer: targetMs }));
    },
    async close() {
      socket.terminate();
      await api.stop({ drain: false, timeoutMs: 10_000 });
      await trader.stop({ drain: false, timeoutMs: 10_000 });
      stopping.abort();
      await traded;
      await runtime.close();
    },
  };

  /** Purchases at a steady pace, however long each takes; throws where one is not filled. */
  async function round(orders: number): Promise<number[]> {
    const postedMs = new Map<string, number>();
    const posts: Promise<void>[] = [];
    for (let at = 0; at < orders; at++) {
      posts.push(post(postedMs));
      await sleep(orderEveryMs);
    }
    await Promise.all(posts);
    const deadlineMs = performance.now() + answersMsMax;
    while ([...postedMs.keys()].some((id) => !filledMs.has(id))) {
      if (performance.now() > deadlineMs) throw new Error('an order was not filled');
      await sleep(20);
    }
    return [...postedMs].map(([id, startMs]) => (filledMs.get(id) ?? Infinity) - startMs);
  }

  async function post(postedMs: Map<string, number>): Promise<void> {
    const body = { portfolioId, symbol, side: 'buy', type: 'market', quantity: '0.01' };
    const startMs = performance.now();
    const answer = await fetch(`${url}/v1/orders`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const order = (await answer.json()) as Order;
    if (answer.status !== 201 || order.status === 'rejected') throw new Error(JSON.stringify(order));
    postedMs.set(order.id, startMs);
  }

  async function keepTrading(signal: AbortSignal): Promise<void> {
    for (let tradeId = 1; !signal.aborted; tradeId++) {
      const trade = { source, symbol, tradeId, price: '100', volume: '1', side: 'buy' as const };
      const value = encodeTrade({ ...trade, timestampUs: Date.now() * 1_000 }, 'stream', '0');
      await log.append(tradesTopic, [{ key: tradeKey(source, symbol), value }]);
      await sleep(tradeEveryMs);
    }
  }
}
