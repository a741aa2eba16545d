import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Benchmark, Figures, Missing } from '#bench/benchmark.ts';
import { cpuSeconds } from '#bench/support/processes.ts';
import { startRole } from '#bench/support/role.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { startStreamClients, type StreamClients } from '#bench/support/stream-clients.ts';
import { openTape, symbols, source } from './tape.ts';
import { setTimeout as sleep } from 'node:timers/promises';

const clients = 1_000;
const runMs = 5_000;
const readyMsMax = 300_000;
const toldMsMax = 120_000;
/** As long as ours gathers. */
const frameMs = 75;
const naive = fileURLToPath(new URL('naive-broadcast.ts', import.meta.url));

interface Server {
  pid: number | undefined;
  clients: StreamClients;
  close(): Promise<void>;
}

/**
 * Trades told to 1,000 clients that follow ten markets, for each second of processor time that the server takes, at 200 trades
 * a second; beside a broadcast that makes a text for each client of whatever the log brings, and beside one that
 * gathers as long as ours does. Every client must have been told every trade.
 */
export async function fanOut(): Promise<Benchmark | Missing> {
  if ((await cpuSeconds(process.pid)) === undefined)
    return { missing: 'It needs /proc/<pid>/stat, so Linux.' };
  const runtime = await openBenchRuntime();
  const tape = openTape(runtime.log);
  await tape.send(1_000);
  const { dataDir } = runtime.config;
  const api = await startRole(runtime, 'api', {
    TICKLAKE_API_PORT: '0',
    TICKLAKE_API_ADDRESS_REQUESTS: '1000000',
  });
  const programs: ChildProcess[] = [];
  const opened: StreamClients[] = [];
  const subscription = { op: 'subscribe', channel: 'trades', symbols, source };

  return {
    lines: [
      { name: 'trading.fan_out', unit: 'trades told/CPU s', peerName: 'a text for each client and batch' },
      {
        name: 'trading.fan_out_gathered',
        unit: 'trades told/CPU s',
        peerName: `a text for each client, every ${frameMs} ms`,
      },
    ],
    async round() {
      const ours = await measured(() => openApi());
      const each = await measured(() => openNaive(0));
      const gathered = await measured(() => openNaive(frameMs));
      return [each, gathered].map((peer): Figures => ({ ours, peer }));
    },
    async close() {
      for (const one of opened) await one.close();
      for (const program of programs) program.kill('SIGKILL');
      await api.stop({ drain: false, timeoutMs: 10_000 });
      await runtime.close();
    },
  };

  async function openApi(): Promise<Server> {
    const url = `${(api.details['url'] ?? '').replace('http', 'ws')}/v1/stream`;
    return await serve(url, api.pid, () => Promise.resolve());
  }

  async function openNaive(gatherMs: number): Promise<Server> {
    const program = fork(naive, [dataDir, String(gatherMs)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    programs.push(program);
    const [port] = (await once(program, 'message')) as [number];
    return await serve(`ws://127.0.0.1:${port}`, program.pid, async () => {
      const exited = once(program, 'exit');
      program.kill('SIGKILL');
      await exited;
    });
  }

  async function serve(url: string, pid: number | undefined, end: () => Promise<void>): Promise<Server> {
    const subscriptions = Array.from({ length: clients }, () => [subscription]);
    const crowd = startStreamClients({ url, headers: {}, subscriptions });
    opened.push(crowd);
    await until(readyMsMax, 'the clients to be there', async () => (await crowd.count()).ready === clients);
    return {
      ...{ pid, clients: crowd },
      async close() {
        await crowd.close();
        await end();
      },
    };
  }

  /** Trades told in a second of processor time. */
  async function measured(open: () => Promise<Server>): Promise<number> {
    const server = await open();
    try {
      await server.clients.reset();
      const before = (await cpuSeconds(server.pid)) ?? 0;
      const sent = await tape.send(runMs);
      await until(toldMsMax, 'all to be told', async () => (await server.clients.count()).tradesMin >= sent);
      const seconds = ((await cpuSeconds(server.pid)) ?? 0) - before;
      const { tradesMax, outOfOrder } = await server.clients.count();
      if (tradesMax !== sent || outOfOrder > 0)
        throw new Error(`of ${sent} trades a client was told ${tradesMax}, ${outOfOrder} out of order`);
      return (sent * clients) / seconds;
    } finally {
      await server.close();
    }
  }
}

async function until(ms: number, what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + ms;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await sleep(50);
  }
}
