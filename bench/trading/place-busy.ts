import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Benchmark } from '#bench/benchmark.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { openTradingWriter } from '#core/trading/writer.ts';
import { load } from './load.ts';
import { openMarketOrders } from './orders.ts';

const portfolios = 1_000;
const inFlight = 64;
const targetMs = 50;
const burden = fileURLToPath(new URL('burden.ts', import.meta.url));

/** How long a durable placement takes while a loop that never waits and a transform keep two cores busy. Beside the target. */
export async function placeBusy(): Promise<Benchmark> {
  const runtime = await openBenchRuntime();
  const { metrics } = runtime;
  const { database } = runtime.lake;
  const market = openMarketOrders();
  const writer = openTradingWriter({ database, surroundings: market.surroundings, metrics });
  const ids = await market.openPortfolios(writer, portfolios);
  const place = async (id: string): Promise<void> => {
    const { events } = await writer.submit(market.placement(id));
    if (events[0]?.type !== 'order_accepted') throw new Error('an order was not accepted');
  };
  await load(inFlight, ids, place);
  const busy: ChildProcess[] = [];
  for (const kind of ['hash', 'transform']) {
    const child = fork(burden, [kind, runtime.spillDir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    busy.push(child);
    await once(child, 'message');
  }
  return {
    lines: [{ name: 'trading.place_p99_busy', unit: 'ms, p99 of 64', peerName: 'the target' }],
    async round() {
      const { p99Ms } = await load(inFlight, ids, place);
      if (busy.some(({ exitCode }) => exitCode !== null)) throw new Error('the machine was not kept busy');
      return [{ ours: p99Ms, peer: targetMs }];
    },
    async close() {
      for (const child of busy) child.kill('SIGKILL');
      await writer.close();
      await runtime.close();
    },
  };
}
