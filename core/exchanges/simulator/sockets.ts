import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Gauge } from 'prom-client';
import { WebSocketServer, type RawData } from 'ws';
import { Client } from './client.ts';
import type { ChannelState } from './feed.ts';
import type { Hub } from './hub.ts';
import { parseRequest } from './requests.ts';

const base = 'http://simulator';
const maxClients = 300;
const maxRequestBytes = 256 * 1024;
const pingEveryMs = 20_000;
const maxUnansweredPings = 3;

/** Takes WebSocket connections on `/stream` and `/ws`, and the subscriptions they make. */
export function acceptSockets(server: Server, hub: Hub<ChannelState>, clients: Gauge): { close(): void } {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxRequestBytes,
    perMessageDeflate: false,
  });

  server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    connection.on('error', () => connection.destroy());
    const asked = streamsOf(request.url ?? '/');
    if (asked === undefined || hub.clients.size >= maxClients) {
      connection.end(`HTTP/1.1 ${asked === undefined ? '404 Not Found' : '503 Service Unavailable'}\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, connection, head, (socket) => {
      const client = new Client(socket, connection, asked.isCombined);
      hub.clients.add(client);
      clients.set(hub.clients.size);
      // What the protocol forbids, `ws` answers by closing.
      socket.on('error', () => socket.terminate());
      socket.on('close', () => {
        hub.remove(client);
        clients.set(hub.clients.size);
      });
      socket.on('message', (data: RawData) => client.writer.add(answerTo(client, String(data), hub)));
      if (!hub.subscribe(client, asked.streams)) socket.close(1008, 'Too many streams');
    });
  });

  const pinger = setInterval(() => {
    for (const client of hub.clients) {
      // A client that is still reading what was sent before cannot have seen the pings.
      if (client.unansweredPings >= maxUnansweredPings && client.writer.pendingBytes === 0) {
        client.socket.terminate();
      } else {
        client.unansweredPings++;
        client.socket.ping();
      }
    }
  }, pingEveryMs);

  return {
    close() {
      clearInterval(pinger);
      for (const { socket } of hub.clients) socket.terminate();
      sockets.close();
    },
  };
}

function streamsOf(url: string): { isCombined: boolean; streams: string[] } | undefined {
  if (!URL.canParse(url, base)) return undefined;
  const { pathname, searchParams } = new URL(url, base);
  const names = (text: string) => text.split('/').filter((name) => name !== '');
  if (pathname === '/stream') return { isCombined: true, streams: names(searchParams.get('streams') ?? '') };
  if (pathname === '/ws' || pathname.startsWith('/ws/')) {
    return { isCombined: false, streams: names(pathname.slice('/ws'.length)) };
  }
  return undefined;
}

function answerTo(client: Client, text: string, hub: Hub<ChannelState>): string {
  const request = parseRequest(text);
  if ('error' in request) return failure(request.error, request.id);
  switch (request.method) {
    case 'SUBSCRIBE':
      if (hub.subscribe(client, request.params)) break;
      return failure('Invalid request: too many streams', request.id);
    case 'UNSUBSCRIBE':
      hub.unsubscribe(client, request.params);
      break;
    case 'LIST_SUBSCRIPTIONS':
      return JSON.stringify({ result: [...client.streams], id: request.id });
  }
  return JSON.stringify({ result: null, id: request.id });
}

function failure(msg: string, id: unknown): string {
  return JSON.stringify({ error: { code: 2, msg }, id });
}
