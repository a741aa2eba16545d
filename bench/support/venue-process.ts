/**
 * A venue in a process of its own, so that what it costs to send is not counted as ours: speaks Binance's protocol to
 * one client and sends trades when the process that started it says so (see venue.ts).
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { Client } from '#core/exchanges/simulator/client.ts';
import { listen } from '#core/exchanges/simulator/listen.ts';
import { parseRequest } from '#core/exchanges/simulator/requests.ts';
import { tradeMessage, tradeMessages } from './messages.ts';
import type { VenueAnswer, VenueRequest } from './venue.ts';

const symbols = process.argv.slice(2);
const pendingBytesMax = 1024 * 1024;
const paceMs = 10;

let client: Client | undefined;
let prepared: string[] = [];
const nextIds = new Map(symbols.map((symbol) => [symbol, 0]));

const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8' });
  response.end(JSON.stringify(restAnswer(request.url ?? '')));
});
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
  sockets.handleUpgrade(request, connection, head, (socket) => {
    const connected = new Client(socket, connection, true);
    client = connected;
    socket.on('message', (data) => subscribe(connected, String(data)));
  });
});
process.on('message', (request: VenueRequest) => void act(request));
process.on('disconnect', () => process.exit());
tell({ type: 'listening', port: await listen(server, 0, '127.0.0.1') });

function subscribe(connected: Client, text: string): void {
  const request = parseRequest(text);
  if ('error' in request) return;
  connected.writer.add(JSON.stringify({ result: null, id: request.id }));
  connected.writer.flush();
  for (const name of request.params) connected.streams.add(name);
  if (connected.streams.size === symbols.length) tell({ type: 'subscribed' });
}

async function act(request: VenueRequest): Promise<void> {
  if (request.type === 'prepare') {
    prepared = tradeMessages(symbols, request.firstId, request.messages);
    tell({ type: 'prepared' });
  } else if (request.type === 'send') {
    await sendPrepared();
    tell({ type: 'sent', messages: prepared.length });
  } else {
    tell({ type: 'sent', messages: await sendPaced(request.messagesPerSecond, request.forMs) });
  }
}

/** As fast as the client reads. */
async function sendPrepared(): Promise<void> {
  const writer = writerOfClient();
  for (const message of prepared) {
    writer.add(message);
    while (writer.pendingBytes > pendingBytesMax) await sleep(1);
  }
  writer.flush();
}

/** Evenly over the time, each trade's time being when it was sent, in microseconds. */
async function sendPaced(messagesPerSecond: number, forMs: number): Promise<number> {
  const writer = writerOfClient();
  const startedMs = performance.now();
  let sent = 0;
  for (let elapsedMs = 0; elapsedMs < forMs; elapsedMs = performance.now() - startedMs) {
    const due = Math.floor((elapsedMs * messagesPerSecond) / 1_000);
    for (; sent < due; sent++) {
      const symbol = symbols[sent % symbols.length] ?? '';
      const tradeId = nextIds.get(symbol) ?? 0;
      nextIds.set(symbol, tradeId + 1);
      writer.add(
        tradeMessage(symbol, tradeId, Math.floor((performance.timeOrigin + performance.now()) * 1_000)),
      );
    }
    writer.flush();
    await sleep(paceMs);
  }
  return sent;
}

function writerOfClient(): Client['writer'] {
  if (client === undefined) throw new Error('nobody is connected');
  return client.writer;
}

function restAnswer(url: string): unknown {
  if (url.startsWith('/api/v3/time')) return { serverTime: Date.now() };
  if (!url.startsWith('/api/v3/exchangeInfo')) return [];
  return { timezone: 'UTC', rateLimits: [], exchangeFilters: [], symbols: symbols.map(market) };
}

function market(symbol: string): unknown {
  return {
    ...{ symbol, status: 'TRADING', baseAsset: symbol.replace(/USDT$/, ''), quoteAsset: 'USDT' },
    filters: [],
  };
}

function tell(answer: VenueAnswer): void {
  process.send?.(answer);
}
