import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, Missing } from '#bench/benchmark.ts';
import { startIngestRole } from '#bench/support/ingest-role.ts';
import { pssMb } from '#bench/support/processes.ts';
import { expectHeld, openBenchRuntime } from '#bench/support/runtime.ts';
import { startVenue } from '#bench/support/venue.ts';
import type { Runtime } from '#cli/runtime.ts';

const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'BNBUSDT'];
const messagesPerRound = 1_000_000;
const targetMb = 700;
const sampleMs = 200;
const roundMsMax = 180_000;

/**
 * The most memory of the ingest role, a process of its own, while a venue sends as fast as it is read and until the
 * last trade is committed: PSS, so that pages shared with other processes count in part. Beside the target.
 */
export async function ingestMemory(): Promise<Benchmark | Missing> {
  if ((await pssMb(process.pid)) === undefined)
    return { missing: 'It needs /proc/<pid>/smaps_rollup, so Linux.' };
  const runtime = await openBenchRuntime();
  const venue = await startVenue(symbols);
  const ingest = await startIngestRole(runtime, venue, symbols);
  await venue.subscribed;
  let sent = 0;

  return {
    lines: [{ name: 'memory.ingest', unit: 'MB, PSS', peerName: 'target' }],
    async round() {
      const send = await venue.prepare(sent / symbols.length, messagesPerRound);
      sent += messagesPerRound;
      const sending = send();
      const deadlineMs = performance.now() + roundMsMax;
      let most = 0;
      while ((await countCommitted(runtime)) < sent) {
        if (performance.now() > deadlineMs) throw new Error('not every trade was committed in time');
        most = Math.max(most, (await pssMb(ingest.pid)) ?? 0);
        await sleep(sampleMs);
      }
      await sending;
      await expectHeld(runtime, 'binance', sent);
      if (ingest.restarts > 0) throw new Error('the role died meanwhile');
      return [{ ours: most, peer: targetMb }];
    },
    async close() {
      await ingest.stop({ drain: true, timeoutMs: 30_000 });
      await venue.close();
      await runtime.close();
    },
  };
}

async function countCommitted(runtime: Runtime): Promise<number> {
  const { rows } = await runtime.connection.database.query<{ trades: number }>(
    `select coalesce(sum(hi - lo), 0)::float8 as trades from lake.coverage where source = 'binance'`,
  );
  return rows[0]?.trades ?? 0;
}
