import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReplayServer } from '#core/exchanges/simulator/replay.ts';
import { listen, logger } from './support.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
});
afterAll(() => rm(folder, { recursive: true }));

const message = (market: string, kind: string, id: number) =>
  JSON.stringify({ stream: `${market}@${kind}`, data: { s: market.toUpperCase(), t: id } });

async function record(name: string, lines: readonly string[]): Promise<string> {
  const file = join(folder, name);
  const text = `${lines.join('\n')}\n`;
  await writeFile(file, name.endsWith('.gz') ? gzipSync(text) : text);
  return file;
}

const big = 50_000;

it('sends the subscribed streams of all files by time of receipt, torn lines included, and says goodbye', async () => {
  const files = [
    await record('even.jsonl', [
      `2000000000000000000 ${message('btcusdt', 'trade', 0)}`,
      `2000000000000000002 ${message('btcusdt', 'bookTicker', 1)}`,
      `2000000000000000004 ${message('btcusdt', 'trade', 2)}`,
      `2000000000000000006 {"stream":"btcusdt@trade","da`,
      'no time at all',
    ]),
    await record('odd.jsonl.gz', [
      `2000000000000000001 ${message('bnbusdt', 'trade', 10)}`,
      `2000000000000000003 ${message('btcusdt', 'trade', 1)}`,
      `2000000000000000005 {"lastUpdateId":5,"bids":[],"asks":[]}`,
    ]),
  ];
  const server = await startReplayServer({ files, speed: 'max', logger });
  expect(server.symbols).toEqual(['BNBUSDT', 'BTCUSDT']);
  const client = await listen(`${server.wsUrl}/stream`, ['btcusdt@trade', 'bnbusdt@trade']);
  expect(await server.done).toEqual({ sent: 7, skipped: 1, torn: 2 });
  await client.closed();
  expect(client.closeCode()).toBe(1000);
  expect(client.messages).toEqual([
    '{"result":null,"id":1}',
    message('btcusdt', 'trade', 0),
    message('bnbusdt', 'trade', 10),
    message('btcusdt', 'trade', 1),
    message('btcusdt', 'trade', 2),
    '{"lastUpdateId":5,"bids":[],"asks":[]}',
    '{"stream":"btcusdt@trade","da',
    'no time at all',
  ]);
  await server.close();
});

it('waits for a client that does not read, and serves one client only', async () => {
  const lines = Array.from({ length: big }, (_, i) => `${i} ${message('btcusdt', 'trade', i)}`);
  const server = await startReplayServer({
    files: [await record('big.jsonl.gz', lines)],
    speed: 'max',
    logger,
  });
  const client = await listen(`${server.wsUrl}/stream?streams=btcusdt@trade`);
  await expect(listen(`${server.wsUrl}/stream`)).rejects.toThrow('503');
  await client.next(100);
  client.socket.pause();
  setTimeout(() => client.socket.resume(), 200);
  expect(await server.done).toEqual({ sent: big, skipped: 0, torn: 0 });
  await client.closed();
  expect(client.messages).toEqual(lines.map((line) => line.slice(line.indexOf(' ') + 1)));
  await server.close();
});

it('keeps the pace of the recording, or a multiple', async () => {
  const lines = [0, 1, 2].map((i) => `${i * 1_000_000_000} ${message('btcusdt', 'trade', i)}`);
  const server = await startReplayServer({ files: [await record('slow.jsonl', lines)], speed: 10, logger });
  const startedMs = performance.now();
  const client = await listen(`${server.wsUrl}/stream?streams=btcusdt@trade`);
  await server.done;
  // Two seconds of recording, played ten times as fast.
  expect(performance.now() - startedMs).toBeGreaterThan(195);
  await client.closed();
  await server.close();
});

it('answers exchangeInfo with the recorded markets, and nothing else', async () => {
  const file = await record('info.jsonl', [`1 ${message('ethbtc', 'trade', 1)}`]);
  const server = await startReplayServer({ files: [file], speed: 'max', logger });
  const info: unknown = await (await fetch(`${server.url}/api/v3/exchangeInfo`)).json();
  expect(info).toMatchObject({
    symbols: [{ symbol: 'ETHBTC', status: 'TRADING', baseAsset: 'ETH', quoteAsset: 'BTC' }],
  });
  const trades = await fetch(`${server.url}/api/v3/historicalTrades?symbol=ETHBTC`);
  expect([trades.status, await trades.json()]).toMatchObject([404, { code: -1100 }]);
  await server.close();
  await expect(server.done).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

it('a client that leaves early ends it', async () => {
  const lines = [`0 ${message('btcusdt', 'trade', 0)}`, `900000000000 ${message('btcusdt', 'trade', 1)}`];
  const server = await startReplayServer({ files: [await record('left.jsonl', lines)], speed: 1, logger });
  const client = await listen(`${server.wsUrl}/stream?streams=btcusdt@trade`);
  client.close();
  await expect(server.done).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await server.close();
});

it('names the file that is missing, cut off, or none', async () => {
  const whole = gzipSync(Array.from({ length: 1_000 }, (_, i) => `${i} {"i":${i * 7919}}`).join('\n'));
  const cut = join(folder, 'cut.jsonl.gz');
  const plain = join(folder, 'plain.jsonl.gz');
  await writeFile(cut, whole.subarray(0, whole.length / 2));
  await writeFile(plain, '1 {}');
  const missing = join(folder, 'missing.jsonl');
  for (const [file, code] of [
    [missing, 'NOT_FOUND'],
    [cut, 'DATA_CORRUPT'],
    [plain, 'DATA_CORRUPT'],
    [folder, 'DATA_CORRUPT'],
  ] as const) {
    const started = startReplayServer({ files: [file], speed: 'max', logger });
    await expect(started).rejects.toMatchObject({ code, message: expect.stringContaining(file) as string });
  }
});
