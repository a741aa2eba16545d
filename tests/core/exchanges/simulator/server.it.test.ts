import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen, openSimulator, type TradeData } from './support.ts';

const program = fileURLToPath(new URL('run-simulator.ts', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'simulator-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function start(clockFile: string, speed: string) {
  const child = spawn(process.execPath, [program, clockFile, speed], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { url, wsUrl } = JSON.parse(line) as { url: string; wsUrl: string };
  return {
    ...{ url, wsUrl },
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function timeOf(url: string): Promise<number> {
  const { serverTime } = (await (await fetch(`${url}/api/v3/time`)).json()) as { serverTime: number };
  return serverTime;
}

describe('after kill -9', () => {
  it.each([
    ['1000', 60_000],
    ['max', 30_000],
  ])('at speed %s time goes on, and the tape is the same', async (speed, jumpMs) => {
    const clockFile = join(folder, `kill-${speed}.json`);
    const seen = new Map<number, TradeData>();
    let lastTime = 0;
    for (let round = 0; round < 3; round++) {
      const simulator = await start(clockFile, speed);
      expect(await timeOf(simulator.url)).toBeGreaterThanOrEqual(lastTime);
      const client = await listen(`${simulator.wsUrl}/ws/btcusdt@trade`);
      await client.next(500);
      await simulator.kill();
      await client.closed();
      const [first] = client.trades();
      expect(first?.T).toBeGreaterThanOrEqual(lastTime);
      if (lastTime > 0) expect(first?.T).toBeLessThan(lastTime + 10 * jumpMs);
      for (const trade of client.trades()) {
        expect(seen.has(trade.t)).toBe(false);
        seen.set(trade.t, trade);
        lastTime = trade.T;
      }
    }
    const simulator = await openSimulator({ clockFile });
    const ids = [...seen.keys()];
    for (const id of [ids[0], ids[600], ids.at(-1)]) {
      const { body } = await simulator.get(`/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${id}&limit=1`);
      const trade = seen.get(id ?? NaN);
      expect(body).toMatchObject([{ id, price: trade?.p, qty: trade?.q, time: trade?.T }]);
    }
    await simulator.close();
  });
});

it('closed and started again, it goes on where it stood', async () => {
  const clockFile = join(folder, 'closed.json');
  const first = await openSimulator({ clockFile, speed: 100 });
  const client = await listen(`${first.wsUrl}/ws/btcusdt@trade`);
  await client.next(100);
  await first.close();
  await client.closed();
  const second = await openSimulator({ clockFile, speed: 1 });
  const last = client.trades().at(-1);
  expect(await timeOf(second.url)).toBeGreaterThanOrEqual(last?.T ?? NaN);
  await second.close();
  await expect(openSimulator({ clockFile, seed: 43 })).rejects.toMatchObject({ code: 'CONFLICT' });
});

it('at full speed, time waits for who reads slowly, and loses nothing', async () => {
  const simulator = await openSimulator({ speed: 'max' });
  const client = await listen(`${simulator.wsUrl}/stream?streams=btcusdt@trade/ethusdt@trade`);
  await client.next(10_000);
  client.socket.pause();
  const state = async () => (await simulator.get('/simulator/state')).body as { nowUs: number };
  let [before, now] = [0, (await state()).nowUs];
  while (now > before) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    [before, now] = [now, (await state()).nowUs];
  }
  const held = client.messages.length;
  client.socket.resume();
  await client.next(held + 50_000);
  client.close();
  await simulator.close();
  for (const symbol of ['BTCUSDT', 'ETHUSDT']) {
    const ids = client.trades().filter(({ s }) => s === symbol);
    const first = ids[0]?.t ?? NaN;
    expect(ids.every(({ t }, i) => t === first + i)).toBe(true);
  }
});

it('at a given speed, who does not read is disconnected', async () => {
  const simulator = await openSimulator({ speed: 100_000 });
  const client = await listen(`${simulator.wsUrl}/stream?streams=btcusdt@trade/ethusdt@trade`);
  client.socket.pause();
  const state = async () => (await simulator.get('/simulator/state')).body as { clients: number };
  while ((await state()).clients > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  client.socket.resume();
  await client.closed();
  expect(client.closeCode()).toBe(1006);
  await simulator.close();
});

it('a target that is no path is refused, and harms nobody', async () => {
  const simulator = await openSimulator();
  const { port } = simulator;
  const statusOf = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const sent = request({ port, host: '127.0.0.1', path: '//', headers });
      sent.on('response', (response) => resolve(response.resume().statusCode));
      sent.on('error', reject);
      sent.end();
    });
  expect(await statusOf({})).toBe(400);
  expect(await statusOf({ connection: 'upgrade', upgrade: 'websocket' })).toBe(404);
  await expect(listen(`${simulator.wsUrl}/ws/%`)).resolves.toBeDefined();
  expect((await simulator.get('/api/v3/ping')).status).toBe(200);
  await simulator.close();
});

it('a port in use, and options out of range, are said', async () => {
  const { port, close } = await openSimulator();
  await expect(openSimulator({ port })).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  await close();
  for (const wrong of [{ seed: -1 }, { symbols: 501 }, { speed: 0 }, { rate: 51 }]) {
    await expect(openSimulator(wrong)).rejects.toMatchObject({ code: 'USAGE' });
  }
});
