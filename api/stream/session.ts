import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { Compile } from 'typebox/compile';
import { messageOf, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { problemOf } from '../problem.ts';
import {
  ClientMessage,
  runChannelsPerClientMax,
  symbolsPerClientMax,
  type ServerMessage,
} from '../schemas/stream.ts';
import { catchUp } from './catch-up.ts';
import { marketKey, type Hub, type Subscriber } from './hub.ts';
import type { RunChannel } from './run-channel.ts';
import type { RunFeed } from './run-feed.ts';
import { decodeToken, type LogPlace } from './resume-token.ts';
import type { StreamMetrics } from './stream-metrics.ts';

export interface SessionOptions {
  socket: WebSocket;
  hub: Hub;
  feed: RunFeed;
  log: EventLog;
  topic: string;
  /** The source that is meant where a client names none. */
  source: string;
  logger: Logger;
  metrics: StreamMetrics;
}

type Subscribe = Extract<ClientMessage, { op: 'subscribe'; channel: 'trades' }>;

/** Codes a socket is closed with; the client may come back with its last token. */
export const closeCodes = { slowReader: 4008, tooManyMessages: 4009, goingAway: 1001, full: 1013 } as const;

const bufferedBytesMax = 4 * 1024 * 1024;
const catchUpBufferedBytesMax = 256 * 1024;
const waitingMessagesMax = 32;
const catchUpMs = 60_000;
const heartbeatMs = 30_000;
const closeGraceMs = 1_000;

const clientMessage = Compile(ClientMessage);

/** Serves one client until its socket closes. Messages are answered one after another. */
export function serveSession(options: SessionOptions): void {
  const { socket, hub, feed, metrics, logger } = options;
  const closed = new AbortController();
  const subscriber: Subscriber = { keys: new Set(), send };
  const runChannels = new Set<RunChannel>();
  let waiting = 0;
  let turn = Promise.resolve();
  let alive = true;

  const heartbeat = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
  }, heartbeatMs);
  socket.on('pong', () => (alive = true));
  socket.on('error', (error) => logger.debug({ reason: messageOf(error) }, 'a client socket failed'));
  socket.on('close', () => {
    closed.abort();
    clearInterval(heartbeat);
    hub.remove(subscriber);
    feed.remove(subscriber);
    metrics.clients.dec();
  });
  metrics.clients.inc();

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (waiting >= waitingMessagesMax) return end(closeCodes.tooManyMessages, 'too many messages at once');
    waiting += 1;
    turn = turn
      .then(() => answer(isBinary ? '' : data.toString()))
      .catch((error: unknown) => refuse(error))
      .finally(() => {
        waiting -= 1;
      });
  });

  async function answer(text: string): Promise<void> {
    const message = parseMessage(text);
    if (message.op === 'ping') return say({ op: 'pong' });
    if (message.channel === 'trades') {
      if (message.op === 'subscribe') return await subscribe(message);
      hub.unsubscribe(subscriber, keysOf(message));
      return say({ op: 'unsubscribed', channel: 'trades', symbols: message.symbols });
    }
    if (message.op === 'subscribe') return await followRuns(message.channel);
    feed.unsubscribe(subscriber, message.channel);
    runChannels.delete(message.channel);
    return say({ op: 'unsubscribed', channel: message.channel });
  }

  async function followRuns(channel: RunChannel): Promise<void> {
    if (new Set([...runChannels, channel]).size > runChannelsPerClientMax) {
      throw new TicklakeError(
        'BAD_REQUEST',
        `a client follows at most ${runChannelsPerClientMax} channels of runs`,
        {
          remedy: 'Follow the channel jobs, or unsubscribe from some.',
        },
      );
    }
    await feed.subscribe(subscriber, channel);
    runChannels.add(channel);
  }

  async function subscribe(message: Subscribe): Promise<void> {
    const keys = keysOf(message);
    if (new Set([...subscriber.keys, ...keys]).size > symbolsPerClientMax) {
      throw new TicklakeError('BAD_REQUEST', `a client follows at most ${symbolsPerClientMax} markets`, {
        remedy: 'Unsubscribe from some, or open another connection.',
      });
    }
    if (message.resumeToken === undefined) return hub.subscribe(subscriber, keys, false);
    if (subscriber.keys.size > 0) {
      throw new TicklakeError('BAD_REQUEST', 'a token is for the first subscription of a connection', {
        remedy: 'Reconnect and subscribe to all markets in one message.',
      });
    }
    const place = decodeToken(message.resumeToken);
    if (place !== undefined && (await resume(keys, place))) {
      metrics.resumes.inc({ result: 'resumed' });
      return say({ op: 'resumed', channel: 'trades', symbols: message.symbols });
    }
    if (closed.signal.aborted) return;
    metrics.resumes.inc({ result: 'reset' });
    hub.subscribe(subscriber, keys, true);
  }

  async function resume(keys: string[], place: LogPlace): Promise<boolean> {
    if (hub.canServe(keys, place)) {
      hub.resume(subscriber, keys, place, () => true);
      return true;
    }
    const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(catchUpMs)]);
    const { log, topic } = options;
    try {
      const caughtUp = await catchUp({ log, topic, hub, keys, from: place, send: sendPaced, signal });
      if (caughtUp === undefined || closed.signal.aborted) return false;
      hub.resume(subscriber, keys, caughtUp.place, caughtUp.isNew);
      return true;
    } catch (error) {
      logger.debug({ reason: messageOf(error) }, 'a client could not catch up');
      return false;
    }
  }

  function keysOf(message: { symbols: string[]; source?: string }): string[] {
    return message.symbols.map((symbol) => marketKey(message.source ?? options.source, symbol));
  }

  function refuse(error: unknown): void {
    const known = toTicklakeError(error);
    if (known.code === 'INTERNAL') logger.error({ err: error }, 'a message could not be answered');
    say({ op: 'error', problem: problemOf(known) });
  }

  function say(message: ServerMessage): void {
    send(JSON.stringify(message));
  }

  function send(text: string): void {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > bufferedBytesMax) {
      metrics.slowReaders.inc();
      return end(closeCodes.slowReader, 'reads too slowly: come back with the last token');
    }
    metrics.messages.inc();
    metrics.sentBytes.inc(text.length);
    socket.send(text);
  }

  async function sendPaced(text: string): Promise<void> {
    send(text);
    while (socket.bufferedAmount > catchUpBufferedBytesMax && !closed.signal.aborted) await sleep(10);
  }

  function end(code: number, reason: string): void {
    hub.remove(subscriber);
    feed.remove(subscriber);
    socket.close(code, reason);
    // A client that does not read gets no close frame either.
    setTimeout(() => socket.terminate(), closeGraceMs).unref();
  }
}

function parseMessage(text: string): ClientMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TicklakeError('BAD_REQUEST', 'a message is not JSON text', { cause: error, remedy: usage });
  }
  if (!clientMessage.Check(value)) {
    throw new TicklakeError('BAD_REQUEST', 'a message is not one that this service knows', { remedy: usage });
  }
  return value;
}

const usage = 'Send {"op":"subscribe","channel":"trades","symbols":["BTCUSDT"]}; /docs has the rest.';
