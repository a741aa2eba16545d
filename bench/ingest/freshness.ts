import { setTimeout as sleep } from 'node:timers/promises';
import { quantile, type Benchmark } from '#bench/benchmark.ts';
import { startIngestRole } from '#bench/support/ingest-role.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { startVenue } from '#bench/support/venue.ts';
import type { Runtime } from '#cli/runtime.ts';
import { query } from '#core/lake/engine.ts';

const symbols = ['BTCUSDT', 'ETHUSDT'];
/** Too few for a batch to be full before its time: the slowest that the default configuration is. */
const tradesPerSecond = 50;
/** Two batches long. */
const roundMs = 20_000;
const pollMs = 50;
const visibleMsMax = 60_000;

/**
 * Milliseconds from a trade being sent on the socket to its being read by SQL, ingest running as a role of its own at
 * default configuration; beside the target, which is the batch's time and a second.
 */
export async function freshness(): Promise<Benchmark> {
  const runtime = await openBenchRuntime();
  const venue = await startVenue(symbols);
  const ingest = await startIngestRole(runtime, venue, symbols);
  await venue.subscribed;
  const targetMs = runtime.config.ingestBatchMs + 1_000;
  const nextIds = new Map(symbols.map((symbol) => [symbol, 0]));

  return {
    lines: ['ingest.freshness_p50', 'ingest.freshness'].map((name) => ({
      ...{ name, unit: name === 'ingest.freshness' ? 'ms, p99' : 'ms, p50', peerName: 'batch time + 1 s' },
    })),
    async round() {
      const agesMs: number[] = [];
      let trades = Number.POSITIVE_INFINITY;
      const sending = venue.pace(tradesPerSecond, roundMs).then((sent) => (trades = sent));
      const deadlineMs = performance.now() + roundMs + visibleMsMax;
      while (agesMs.length < trades) {
        if (performance.now() > deadlineMs) throw new Error('not every trade became visible in time');
        await sleep(pollMs);
        agesMs.push(...(await agesOfNew(runtime, nextIds)));
      }
      await sending;
      return [0.5, 0.99].map((q) => ({ ours: quantile(agesMs, q), peer: targetMs }));
    },
    async close() {
      await ingest.stop({ drain: true, timeoutMs: 30_000 });
      await venue.close();
      await runtime.close();
    },
  };
}

/** Ages of the trades that were not visible before; throws where one was left out. */
async function agesOfNew(runtime: Runtime, nextIds: Map<string, number>): Promise<number[]> {
  const isNew = [...nextIds].map(([symbol, id]) => `(symbol = '${symbol}' and trade_id >= ${id})`);
  const { rows } = await query(
    runtime.lake,
    `select symbol, trade_id, epoch_us(timestamp) as sent_us from market.trades
      where ${isNew.join(' or ')} order by trade_id`,
    { spillDir: runtime.spillDir },
  );
  const visibleMs = performance.timeOrigin + performance.now();
  return rows.map((row) => {
    const symbol = String(row['symbol']);
    const id = Number(row['trade_id']);
    if (id !== nextIds.get(symbol)) throw new Error(`${symbol} ${id} is visible before the ids below it`);
    nextIds.set(symbol, id + 1);
    return visibleMs - Number(row['sent_us']) / 1_000;
  });
}
