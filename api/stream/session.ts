import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { Compile } from 'typebox/compile';
import { messageOf, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { hasNul, nulCharacter } from '../plugins/text.ts';
import { problemOf } from '../problem.ts';
import type { PrivateMessage } from '../schemas/private-stream.ts';
import { ClientMessage, runChannelsPerClientMax, type ServerMessage } from '../schemas/stream.ts';
import { askedOf, type LogMessage } from './asked.ts';
import { Follower, type Client } from './follower.ts';
import { labelOf, type Frame } from './frames.ts';
import type { LiveChannels } from './live-channels.ts';
import type { PrivateSession } from './private-session.ts';
import type { RunChannel } from './run-channel.ts';
import type { RunFeed } from './run-feed.ts';
import type { Reader, SendBudget } from './send-budget.ts';
import type { StreamMetrics } from './stream-metrics.ts';

export interface SessionOptions {
  socket: WebSocket;
  channels: LiveChannels;
  feed: RunFeed;
  log: Pick<EventLog, 'describe' | 'read'>;
  /** The source that is meant where a client names none. */
  source: string;
  logger: Logger;
  metrics: StreamMetrics;
  /** What may wait for this client and all others. */
  budget: SendBudget;
  /** What the client may ask of what is its user's. */
  openPrivate(client: Client): PrivateSession;
}

/** Codes a socket is closed with; the client may come back with its last token. */
export const closeCodes = {
  sessionEnded: 4001,
  slowReader: 4008,
  tooManyMessages: 4009,
  goingAway: 1001,
  full: 1013,
} as const;

const bufferedBytesMax = 4 * 1024 * 1024;
const catchUpBufferedBytesMax = 256 * 1024;
const waitingMessagesMax = 32;
const heartbeatMs = 30_000;
const closeGraceMs = 1_000;

const clientMessage = Compile(ClientMessage);
const privateChannels: ReadonlySet<string> = new Set(['orders', 'balances', 'alerts']);

/** Serves one client until its socket closes. Messages are answered one after another. */
export function serveSession(options: SessionOptions): void {
  const { socket, channels, feed, log, metrics, logger, budget } = options;
  const closed = new AbortController();
  const client = { send, sendPaced, signal: closed.signal };
  const own = options.openPrivate(client);
  /** By channel and interval. */
  const followers = new Map<string, Follower>();
  const runSubscriber = { send };
  const reader: Reader = { bufferedBytes: () => socket.bufferedAmount, drop: dropSlow };
  const runChannels = new Set<RunChannel>();
  let waiting = 0;
  let turn = Promise.resolve();
  let alive = true;

  const heartbeat = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
    void checkSession();
  }, heartbeatMs);
  socket.on('pong', () => (alive = true));
  socket.on('error', (error) => logger.debug({ reason: messageOf(error) }, 'a client socket failed'));
  socket.on('close', () => {
    closed.abort();
    clearInterval(heartbeat);
    leave();
    metrics.clients.dec();
  });
  metrics.clients.inc();
  budget.add(reader);

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (waiting >= waitingMessagesMax) return end(closeCodes.tooManyMessages, 'too many messages at once');
    waiting += 1;
    turn = turn
      .then(() => (closed.signal.aborted ? undefined : answer(isBinary ? '' : data.toString())))
      .catch((error: unknown) => refuse(error))
      .finally(() => {
        waiting -= 1;
      });
  });

  async function checkSession(): Promise<void> {
    if (!(await own.stillCounts())) end(closeCodes.sessionEnded, 'the session has ended: sign in again');
  }

  async function answer(text: string): Promise<void> {
    const message = parseMessage(text);
    if (message.op === 'ping') return say({ op: 'pong' });
    if (isPrivate(message)) {
      const said = await own.answer(message);
      return said === undefined ? undefined : say(said);
    }
    if (isOfLog(message)) return await answerLog(message);
    if (message.op === 'subscribe') return await followRuns(message.channel);
    feed.unsubscribe(runSubscriber, message.channel);
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
    await own.mayFollowRuns();
    await feed.subscribe(runSubscriber, channel);
    runChannels.add(channel);
    // Who left meanwhile is taken out again.
    if (closed.signal.aborted) feed.remove(runSubscriber);
  }

  async function answerLog(message: LogMessage): Promise<void> {
    const { of, interest, echo } = askedOf(message, options.source);
    const label = labelOf(of);
    let follower = followers.get(label);
    if (follower === undefined) {
      follower = new Follower({ live: channels[of.channel], label, log, client, logger, metrics });
      followers.set(label, follower);
    }
    if (message.op === 'unsubscribe') {
      follower.unsubscribe(interest);
      return say({ op: 'unsubscribed', ...echo });
    }
    if (await follower.subscribe(interest, message.resumeToken)) say({ op: 'resumed', ...echo });
  }

  function refuse(error: unknown): void {
    const known = toTicklakeError(error);
    if (known.code === 'INTERNAL') logger.error({ err: error }, 'a message could not be answered');
    say({ op: 'error', problem: problemOf(known) });
  }

  function say(message: ServerMessage): void {
    send(JSON.stringify(message));
  }

  function send(frame: Frame): void {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > bufferedBytesMax) return dropSlow();
    metrics.messages.inc();
    metrics.sentBytes.inc(frame.length);
    socket.send(frame, { binary: false });
    budget.sent(frame.length);
  }

  async function sendPaced(frame: Frame): Promise<void> {
    send(frame);
    while (socket.bufferedAmount > catchUpBufferedBytesMax && !closed.signal.aborted) await sleep(10);
  }

  function dropSlow(): void {
    metrics.slowReaders.inc();
    end(closeCodes.slowReader, 'reads too slowly: come back with the last token');
  }

  function leave(): void {
    for (const follower of followers.values()) follower.close();
    feed.remove(runSubscriber);
    budget.remove(reader);
    own.close();
  }

  function end(code: number, reason: string): void {
    leave();
    closeSocket(socket, code, reason);
  }
}

/** Closes a socket, whether its client answers or not. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason);
  // A client that does not read gets no close frame either.
  setTimeout(() => socket.terminate(), closeGraceMs).unref();
}

function isPrivate(message: ClientMessage): message is PrivateMessage {
  return !('channel' in message) ? message.op !== 'ping' : privateChannels.has(message.channel);
}

function isOfLog(message: Exclude<ClientMessage, PrivateMessage | { op: 'ping' }>): message is LogMessage {
  return !/^jobs(:|$)/.test(message.channel);
}

function parseMessage(text: string): ClientMessage {
  if (hasNul(text)) throw nulCharacter();
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
