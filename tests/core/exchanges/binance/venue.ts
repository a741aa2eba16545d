import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** Answers a REST request, or leaves it unanswered for ever. */
export type Answers = (request: { url: URL; count: number }) => Answer | 'never';

export interface Venue {
  url: string;
  wsUrl: string;
  /** When each request came, ms, and what was asked. */
  requests: { atMs: number; path: string }[];
  sockets: VenueSocket[];
  close(): Promise<void>;
}

export interface VenueSocket {
  socket: WebSocket;
  /** Streams of each SUBSCRIBE message. */
  subscriptions: string[][];
}

export interface VenueOptions {
  answers?: Answers;
  /** Answer to a SUBSCRIBE; default is Binance's `{"result":null,"id":…}`. */
  onSubscribe?: (id: number, socket: VenueSocket, venue: Venue) => object;
  autoPong?: boolean;
}

/** A server on loopback that answers as the venue documents, or as a test wants it to misbehave. */
export async function startVenue(options: VenueOptions = {}): Promise<Venue> {
  const server = createServer((request, response) => {
    const url = urlOf(request);
    const count = venue.requests.push({ atMs: performance.now(), path: url.pathname + url.search });
    const answer = options.answers?.({ url, count }) ?? { status: 404 };
    if (answer === 'never') return;
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {}));
  });
  const socketServer = new WebSocketServer({ server, path: '/stream', autoPong: options.autoPong ?? true });
  socketServer.on('connection', (socket) => {
    const connected: VenueSocket = { socket, subscriptions: [] };
    venue.sockets.push(connected);
    socket.on('message', (data: Buffer) => {
      const { id, params } = JSON.parse(data.toString()) as { id: number; params: string[] };
      connected.subscriptions.push(params);
      socket.send(JSON.stringify(options.onSubscribe?.(id, connected, venue) ?? { result: null, id }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const venue: Venue = {
    url: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    requests: [],
    sockets: [],
    async close() {
      for (const { socket } of venue.sockets) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return venue;
}

/** A trade as the venue sends it. */
export function tradeMessage(symbol: string, id: number): string {
  const timeMs = 1_723_161_255_342 + id;
  return JSON.stringify({
    stream: `${symbol.toLowerCase()}@trade`,
    data: { e: 'trade', E: timeMs, s: symbol, t: id, p: '100.5', q: '0.02', T: timeMs, m: false, M: true },
  });
}

function urlOf(request: IncomingMessage): URL {
  return new URL(request.url ?? '/', 'http://venue');
}
