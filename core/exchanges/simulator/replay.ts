import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import { Client } from './client.ts';
import { closeServer, listen } from './listen.ts';
import { mergeRecordings, streamNameIn, symbolsIn, type RecordedLine } from './recording.ts';
import { parseRequest } from './requests.ts';

export interface ReplayServerOptions {
  /** Recorded combined streams, `<receive time in ns> <message>` a line, `.gz` allowed. */
  files: readonly string[];
  /** Multiple of the pace they were received at, or `max`: as fast as the client reads. */
  speed: number | 'max';
  logger: Logger;
}

export interface ReplayCounts {
  /** Messages sent, torn ones included. */
  sent: number;
  /** Messages of streams the client did not subscribe to. */
  skipped: number;
  /** Lines that are not JSON; they are sent as they are. */
  torn: number;
}

export interface ReplayServer {
  url: string;
  wsUrl: string;
  /** Markets whose streams are recorded, sorted. */
  symbols: string[];
  /**
   * All was sent and has left this process; the client then gets a close frame (1000). Rejects with UNAVAILABLE where the
   * client leaves early or the server is closed, and with what reading throws.
   */
  done: Promise<ReplayCounts>;
  close(): Promise<void>;
}

const drainBytes = 256 * 1024;
const drainPollMs = 2;
/** A client may subscribe by several messages: the replay begins when it has been quiet for so long. */
const settleMs = 300;

/**
 * Plays recordings, merged by time of receipt, to the one client that connects to `/stream` on loopback and subscribes.
 * Only what is about to be sent is in memory. Throws NOT_FOUND and DATA_CORRUPT, with the file's name.
 */
export async function startReplayServer(options: ReplayServerOptions): Promise<ReplayServer> {
  const { files, speed, logger } = options;
  const symbols = await symbolsIn(files);
  const done = Promise.withResolvers<ReplayCounts>();
  // Who waits for it learns of a failure; that nobody waits is no reason to end the process.
  done.promise.catch(() => undefined);
  const server = createServer((request, response) => answer(request, response, symbols));
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  let isTaken = false;

  server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    connection.on('error', () => connection.destroy());
    const url = targetOf(request);
    if (url?.pathname !== '/stream' || isTaken) {
      connection.end(`HTTP/1.1 ${isTaken ? '503 Service Unavailable' : '404 Not Found'}\r\n\r\n`);
      return;
    }
    isTaken = true;
    sockets.handleUpgrade(request, connection, head, (socket) => {
      const client = new Client(socket, connection, true);
      const named = url.searchParams.get('streams')?.split('/') ?? [];
      const play = async () => {
        const counts = await playTo(client, mergeRecordings(files), speed);
        logger.info({ ...counts, files: files.length }, 'replay is over');
        socket.close(1000, 'the recording is over');
        return counts;
      };
      socket.on('error', () => socket.terminate());
      socket.on('close', () => done.reject(left()));
      onceSubscribed(client, named, () => void play().then(done.resolve, done.reject));
    });
  });

  const port = await listen(server, 0, '127.0.0.1');
  return {
    url: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    symbols,
    done: done.promise,
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      await closeServer(server);
      done.reject(left());
    },
  };
}

function left(): TicklakeError {
  return new TicklakeError('UNAVAILABLE', 'the replay ended before all was sent', {
    remedy: 'Start it again.',
  });
}

/** Takes subscriptions, and begins when they have come; later ones still count. */
function onceSubscribed(client: Client, named: readonly string[], begin: () => void): void {
  let timer: NodeJS.Timeout | undefined;
  let hasBegun = false;
  const subscribe = (names: readonly string[]) => {
    for (const name of names) client.streams.add(name);
    if (client.streams.size === 0 || hasBegun) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      hasBegun = true;
      begin();
    }, settleMs);
  };
  client.socket.on('close', () => clearTimeout(timer));
  client.socket.on('message', (data) => {
    const request = parseRequest(String(data));
    if ('error' in request) {
      client.writer.add(JSON.stringify({ error: { code: 2, msg: request.error }, id: request.id }));
    } else {
      const isList = request.method === 'LIST_SUBSCRIPTIONS';
      client.writer.add(JSON.stringify({ result: isList ? [...client.streams] : null, id: request.id }));
      if (request.method === 'SUBSCRIBE') subscribe(request.params);
      if (request.method === 'UNSUBSCRIBE') for (const name of request.params) client.streams.delete(name);
    }
    client.writer.flush();
  });
  subscribe(named.filter((name) => name !== ''));
}

async function playTo(
  client: Client,
  lines: AsyncIterable<RecordedLine>,
  speed: number | 'max',
): Promise<ReplayCounts> {
  const counts: ReplayCounts = { sent: 0, skipped: 0, torn: 0 };
  const startedMs = performance.now();
  let firstNs: bigint | undefined;
  for await (const { message, receivedNs } of lines) {
    const isJson = parses(message);
    const stream = isJson ? streamNameIn(message) : undefined;
    if (stream !== undefined && !client.streams.has(stream)) {
      counts.skipped++;
      continue;
    }
    if (!isJson) counts.torn++;
    firstNs ??= receivedNs;
    if (speed !== 'max') await until(client, startedMs + Number(receivedNs - firstNs) / 1e6 / speed);
    client.writer.add(message);
    counts.sent++;
    if (client.writer.pendingBytes > drainBytes) await drained(client, drainBytes / 2);
  }
  await drained(client, 0);
  return counts;
}

async function until(client: Client, dueMs: number): Promise<void> {
  const waitMs = dueMs - performance.now();
  if (waitMs < 1) return;
  client.writer.flush();
  await sleep(waitMs);
}

/** Waits until no more than so many bytes are unread by the operating system. */
async function drained(client: Client, bytes: number): Promise<void> {
  client.writer.flush();
  while (client.writer.pendingBytes > bytes) {
    if (client.socket.readyState !== client.socket.OPEN) throw left();
    await sleep(drainPollMs);
  }
  if (client.socket.readyState !== client.socket.OPEN) throw left();
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The one REST answer that a recording can give: which markets there are. */
function answer(request: IncomingMessage, response: ServerResponse, symbols: readonly string[]): void {
  const isKnown = targetOf(request)?.pathname === '/api/v3/exchangeInfo';
  const body = isKnown
    ? { timezone: 'UTC', rateLimits: [], exchangeFilters: [], symbols: symbols.map(marketOf) }
    : { code: -1100, msg: 'A recording answers nothing but exchangeInfo.' };
  response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json;charset=UTF-8' });
  response.end(JSON.stringify(body));
}

function targetOf({ url = '/' }: IncomingMessage): URL | undefined {
  return URL.canParse(url, 'http://replay') ? new URL(url, 'http://replay') : undefined;
}

/** The recording does not say which assets a market is of: the usual quotes are told by the end of its name. */
function marketOf(symbol: string): unknown {
  const [, base = symbol, quote = ''] =
    /^(.+?)(USDT|USDC|FDUSD|BUSD|TUSD|TRY|EUR|BTC|ETH|BNB)$/.exec(symbol) ?? [];
  return {
    symbol,
    status: 'TRADING',
    baseAsset: base,
    quoteAsset: quote === '' ? symbol : quote,
    filters: [],
  };
}
