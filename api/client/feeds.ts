import type { ClientMessage, ServerMessage, SymbolCandles, SymbolIndicators } from '../schemas/stream.ts';
import type { Signal } from '../schemas/signals.ts';
import { openSocket, type ConnectionState } from './socket.ts';

type Subscribe = Extract<ClientMessage, { op: 'subscribe'; resumeToken?: string }>;
type DataMessage = Extract<ServerMessage, { resumeToken: string }>;

/** One subscription: what is asked for, and who takes what comes. */
export interface Feed {
  readonly request: Subscribe;
  /** Whether a message answers the request, and so was taken. */
  take(message: DataMessage): boolean;
}

export interface FeedsOptions {
  /** `ws://host:port/v1/stream` */
  url: string;
  /** Not two of one channel and interval. */
  feeds: readonly Feed[];
  onState?: (state: ConnectionState) => void;
}

export interface Feeds {
  close(): void;
}

export interface MarketFeedOptions<I extends string> {
  symbols: readonly string[];
  interval: I;
  source?: string;
}

type CandlesRequest = Extract<Subscribe, { channel: 'candles' }>;
type IndicatorsRequest = Extract<Subscribe, { channel: 'indicators' }>;
type SignalsRequest = Extract<Subscribe, { channel: 'signals' }>;

/**
 * Some subscriptions on one connection. Reconnects by itself, and each goes on where it was by the token of its last
 * message. With `reset` in a handler, records may lie between these and those before, and some may come again.
 */
export function openFeeds({ url, feeds, onState }: FeedsOptions): Feeds {
  const tokens = new Map<Feed, string>();
  const socket = openSocket({
    url,
    onOpen() {
      for (const feed of feeds) {
        const resumeToken = tokens.get(feed);
        socket.send({ ...feed.request, ...(resumeToken === undefined ? {} : { resumeToken }) });
      }
    },
    onMessage(message) {
      if (!('resumeToken' in message)) return;
      const feed = feeds.find((candidate) => candidate.take(message));
      if (feed !== undefined) tokens.set(feed, message.resumeToken);
    },
    ...(onState === undefined ? {} : { onState }),
  });
  return { close: () => socket.close() };
}

/** Bars at their close; a later revision takes the place of the earlier. */
export function candleFeed(
  options: MarketFeedOptions<CandlesRequest['interval']> & {
    onCandles: (data: readonly SymbolCandles[], reset: boolean) => void;
  },
): Feed {
  const { onCandles, symbols, ...of } = options;
  return {
    request: { op: 'subscribe', channel: 'candles', symbols: [...symbols], ...of },
    take(message) {
      if (message.channel !== 'candles' || message.interval !== of.interval) return false;
      onCandles(message.data, isReset(message));
      return true;
    },
  };
}

/** The indicators of bars as they close; a later row of a bar takes the place of the earlier. */
export function indicatorFeed(
  options: MarketFeedOptions<IndicatorsRequest['interval']> & {
    onIndicators: (data: readonly SymbolIndicators[], reset: boolean) => void;
  },
): Feed {
  const { onIndicators, symbols, ...of } = options;
  return {
    request: { op: 'subscribe', channel: 'indicators', symbols: [...symbols], ...of },
    take(message) {
      if (message.channel !== 'indicators' || message.interval !== of.interval) return false;
      onIndicators(message.data, isReset(message));
      return true;
    },
  };
}

/** Signals of all markets and intervals, or of those named. */
export function signalFeed(
  options: Pick<SignalsRequest, 'symbols' | 'interval' | 'source'> & {
    onSignals: (signals: readonly Signal[], reset: boolean) => void;
  },
): Feed {
  const { onSignals, ...of } = options;
  return {
    request: { op: 'subscribe', channel: 'signals', ...of },
    take(message) {
      if (message.channel !== 'signals') return false;
      onSignals(message.data, isReset(message));
      return true;
    },
  };
}

function isReset(message: DataMessage): boolean {
  return message.op === 'snapshot' && message.reset;
}
