import type { PrivateAnswer, PrivateMessage } from '../schemas/private-stream.ts';
import type { ClientMessage, ServerMessage } from '../schemas/stream.ts';
import { signalsOf } from './channels/signals.ts';
import type { Interest } from './interest.ts';
import type { RunChannel } from './run-channel.ts';
import { seriesKey } from './window.ts';

/** A message about a channel that the log feeds. */
export type LogMessage = Exclude<ClientMessage, PrivateMessage | { op: 'ping' } | { channel: RunChannel }>;

/** What a message is about. */
export interface Asked {
  interest: Interest;
  /** Channel and interval: what has a subscription and a token of its own. */
  of: { channel: LogMessage['channel']; interval?: string };
  /** Repeated in the answer. */
  echo: Echo;
}

type Answer = Extract<ServerMessage, { op: 'resumed' | 'unsubscribed' }>;
type Echo = Distributed<Exclude<Answer, PrivateAnswer | { channel: RunChannel }>>;
type Distributed<T> = T extends unknown ? Omit<T, 'op'> : never;

/** What a message about a channel of the log is about, where a message that names no source means `defaultSource`. */
export function askedOf(message: LogMessage, defaultSource: string): Asked {
  if (message.channel === 'signals') {
    const { channel } = message;
    const interest = signalsOf(message.op === 'subscribe' ? message : {});
    return { interest, of: { channel }, echo: { channel } };
  }
  const { symbols, source = defaultSource } = message;
  if (message.channel === 'trades') {
    const { channel } = message;
    const interest = new Set(symbols.map((symbol) => seriesKey(source, symbol)));
    return { interest, of: { channel }, echo: { channel, symbols } };
  }
  const { interval } = message;
  const interest = new Set(symbols.map((symbol) => seriesKey(source, symbol, interval)));
  if (message.channel === 'candles') {
    const of = { channel: message.channel, interval };
    return { interest, of, echo: { ...of, symbols } };
  }
  const of = { channel: message.channel, interval: message.interval };
  return { interest, of, echo: { ...of, symbols } };
}
