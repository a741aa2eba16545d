import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, Missing } from '#bench/benchmark.ts';
import { pssMb } from '#bench/support/processes.ts';
import { startRole } from '#bench/support/role.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { startStreamClients } from '#bench/support/stream-clients.ts';
import { openMarketOrders } from '#bench/trading/orders.ts';
import { source, openTape, symbols } from '#bench/trading/tape.ts';
import { signedIn } from '#bench/trading/user.ts';
import { openTradingWriter } from '#core/trading/writer.ts';
import { startRelay } from '#pipelines/relay-orders/relay.ts';

const clients = 1_000;
const runMs = 10_000;
const ordersPerRound = 1_000;
const readyMsMax = 300_000;
const targetMb = 400;
const sampleMs = 250;

/**
 * The most memory of the API, a process of its own, with 1,000 sockets, each of which follows ten markets that are traded 200
 * times a second and the orders and balances of a portfolio of its own: PSS. Beside the target.
 */
export async function apiMemory(): Promise<Benchmark | Missing> {
  if ((await pssMb(process.pid)) === undefined)
    return { missing: 'It needs /proc/<pid>/smaps_rollup, so Linux.' };
  const runtime = await openBenchRuntime();
  const { metrics, log, logger } = runtime;
  const { database } = runtime.connection;
  const { userId, token } = await signedIn(runtime);
  const market = openMarketOrders();
  const writer = openTradingWriter({ database, surroundings: market.surroundings, metrics });
  const relay = await startRelay({ database, log, logger, metrics });
  const portfolios = await market.openPortfolios(writer, clients, userId);
  const tape = openTape(log);
  await tape.send(1_000);
  const api = await startRole(runtime, 'api', { TICKLAKE_API_PORT: '0' });
  const crowd = startStreamClients({
    url: `${(api.details['url'] ?? '').replace('http', 'ws')}/v1/stream`,
    headers: { authorization: `Bearer ${token}` },
    subscriptions: portfolios.map((portfolioId) => [
      { op: 'subscribe', channel: 'trades', symbols, source },
      { op: 'subscribe', channel: 'orders', portfolioId },
      { op: 'subscribe', channel: 'balances', portfolioId },
    ]),
  });
  const deadlineMs = performance.now() + readyMsMax;
  while ((await crowd.count()).ready < clients) {
    if (performance.now() > deadlineMs) throw new Error('not all clients were answered in time');
    await sleep(sampleMs);
  }

  return {
    lines: [{ name: 'memory.api', unit: 'MB, PSS', peerName: 'target' }],
    async round() {
      const over = new AbortController();
      let most = 0;
      const sampling = (async () => {
        while (!over.signal.aborted) {
          most = Math.max(most, (await pssMb(api.pid)) ?? 0);
          await sleep(sampleMs);
        }
      })();
      await crowd.reset();
      const [sent] = await Promise.all([tape.send(runMs), placeOrders()]);
      await sleep(1_000);
      over.abort();
      await sampling;
      const { tradesMin, messages } = await crowd.count();
      // Messages of orders have a sequence, too.
      if (tradesMin < sent || messages === 0)
        throw new Error(`of ${sent} trades a client was told ${tradesMin}`);
      if (api.restarts > 0) throw new Error('the API died meanwhile');
      return [{ ours: most, peer: targetMb }];
    },
    async close() {
      await crowd.close();
      await api.stop({ drain: false, timeoutMs: 10_000 });
      await relay.close();
      await writer.close();
      await runtime.close();
    },
  };

  async function placeOrders(): Promise<void> {
    for (let at = 0; at < ordersPerRound; at++) {
      await writer.submit(market.placement(portfolios[at % portfolios.length] ?? ''));
      await sleep(runMs / ordersPerRound / 2);
    }
  }
}
