/** See `stream-clients.ts`. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { StreamClientsSettings, StreamCount } from './stream-clients.ts';

/** Connections that are being opened at a time. */
const openingMax = 50;
/** One client in so many is read in full; of the others the trades are counted, which is no burden. */
const readInFullEvery = 50;
const mark = Buffer.from('"sequence":');

// Who started it may be gone.
process.on('disconnect', () => process.exit());
const [{ url, headers, subscriptions }] = (await once(process, 'message')) as [StreamClientsSettings];
const trades = subscriptions.map(() => 0);
const lastIds = new Map<string, number>();
let ready = 0;
let messages = 0;
let outOfOrder = 0;

process.on('message', (what: 'count' | 'reset') => {
  if (what === 'reset') {
    trades.fill(0);
    messages = 0;
  }
  const count: StreamCount = {
    ...{ ready, messages, outOfOrder },
    ...{ tradesMin: Math.min(...trades), tradesMax: Math.max(...trades) },
  };
  process.send?.(count);
});
const waiting = subscriptions.entries();
await Promise.all(
  Array.from({ length: openingMax }, async () => {
    for (const [index, wanted] of waiting) await open(index, wanted);
  }),
);

async function open(index: number, wanted: readonly object[]): Promise<void> {
  const socket = new WebSocket(url, { headers, perMessageDeflate: false });
  await once(socket, 'open');
  for (const subscription of wanted) socket.send(JSON.stringify(subscription));
  let unanswered = wanted.length;
  const answered = Promise.withResolvers<void>();
  socket.on('close', () => {
    throw new Error(`client ${index} was closed`);
  });
  socket.on('message', (data: Buffer) => {
    if (unanswered > 0) {
      const { op } = JSON.parse(data.toString()) as { op: string };
      if (op === 'error') throw new Error(data.toString());
      if (op === 'snapshot' && --unanswered === 0) answered.resolve();
      return;
    }
    messages += 1;
    if (index % readInFullEvery === 0) readInFull(index, data);
    else trades[index] = (trades[index] ?? 0) + countOf(data);
  });
  await answered.promise;
  ready += 1;
}

function readInFull(index: number, data: Buffer): void {
  const message = JSON.parse(data.toString()) as {
    channel: string;
    data: { symbol: string; trades: { sequence: number }[] }[];
  };
  if (message.channel !== 'trades') return;
  for (const { symbol, trades: some } of message.data) {
    for (const { sequence } of some) {
      const key = `${index} ${symbol}`;
      if (sequence !== (lastIds.get(key) ?? sequence - 1) + 1) outOfOrder += 1;
      lastIds.set(key, sequence);
      trades[index] = (trades[index] ?? 0) + 1;
    }
  }
}

function countOf(data: Buffer): number {
  let count = 0;
  for (let at = data.indexOf(mark); at >= 0; at = data.indexOf(mark, at + mark.length)) count += 1;
  return count;
}
