import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import type { LiveTrades } from '../live-market.ts';
import type { Channel } from './channel.ts';
import { candlesChannel } from './channels/candles.ts';
import { indicatorsChannel } from './channels/indicators.ts';
import { signalsChannel } from './channels/signals.ts';
import { tradesChannel, type TradeEntry } from './channels/trades.ts';
import { createHub, type Hub } from './hub.ts';
import { startTail, type Tail } from './tail.ts';
import { seriesKey, type Entry } from './window.ts';

export interface LiveChannel<E extends Entry = Entry> {
  readonly channel: Channel<E>;
  readonly hub: Hub<E>;
}

export interface LiveChannels {
  readonly trades: LiveChannel<TradeEntry>;
  readonly candles: LiveChannel;
  readonly indicators: LiveChannel;
  readonly signals: LiveChannel;
  /** Begins to read the log. */
  start(): void;
  close(): Promise<void>;
}

export interface LiveChannelOptions {
  log: EventLog;
  logger: Logger;
  metrics: Metrics;
}

/** The channels of the stream, each fed by a topic of the log. */
export function openLiveChannels({ log, logger, metrics }: LiveChannelOptions): LiveChannels {
  const tails: Tail[] = [];
  const starters: (() => Tail)[] = [];
  const hubs: Hub[] = [];
  const channels = {
    trades: open(tradesChannel),
    candles: open(candlesChannel),
    indicators: open(indicatorsChannel),
    signals: open(signalsChannel),
  };
  return {
    ...channels,
    start() {
      tails.push(...starters.map((start) => start()));
    },
    async close() {
      for (const hub of hubs) hub.close();
      await Promise.all(tails.map((tail) => tail.close()));
    },
  };

  function open<E extends Entry>(channel: Channel<E>): LiveChannel<E> {
    const hub = createHub(channel, metrics);
    hubs.push(hub);
    starters.push(() => startTail({ log, channel, logger, listener: hub }));
    return { channel, hub };
  }
}

/** The newest trades by market, out of the channel of trades. */
export function liveTrades({ hub }: LiveChannel<TradeEntry>): LiveTrades {
  return {
    last(source, symbol) {
      const last = hub.last(seriesKey(source, symbol));
      return last && { sequence: last.position, price: last.price, timestamp: last.timestamp };
    },
    isKnown: () => hub.tailing,
    symbols: (source) =>
      [...hub.keys()]
        .filter((key) => key.startsWith(`${source}|`))
        .map((key) => key.slice(source.length + 1)),
  };
}
