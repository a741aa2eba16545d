import type { EventLog, LogBatch } from '#core/streams/event-log.ts';
import { symbolTradesText, updateText } from './frames.ts';
import { marketKey, type Hub } from './hub.ts';
import { tradesOf } from './records.ts';
import { encodeToken, type LogPlace } from './resume-token.ts';
import { holds } from './tail.ts';
import { TradeWindow, type WindowEntry } from './window.ts';

export interface CatchUpOptions {
  log: EventLog;
  topic: string;
  hub: Hub;
  keys: readonly string[];
  /** Where the client got to. */
  from: LogPlace;
  /** Hands over one message and waits while the client is behind. */
  send: (text: string) => Promise<void>;
  signal: AbortSignal;
}

/** Where a client stands after catching up, and what it was sent of late. */
export interface CaughtUp {
  place: LogPlace;
  isNew: (key: string, trade: WindowEntry) => boolean;
}

/** Records before the client's place that are read so that what it has is not sent again. */
const primerRecords = 2_000;
const recordsMax = 500_000;
const watchMs = 50;

/**
 * Sends what a client missed out of the log, until the rest is at hand in the hub. Undefined when the log no longer
 * has it, or when it is too much to send again.
 */
export async function catchUp(options: CatchUpOptions): Promise<CaughtUp | undefined> {
  const { log, topic, hub, from, signal } = options;
  const keys = new Set(options.keys);
  const described = await log.describe(topic);
  if (!holds(described, from)) return undefined;
  const behind = described.partitions.reduce(
    (sum, { partition, endOffset }) => sum + endOffset - (from.offsets[partition] ?? 0),
    0,
  );
  if (behind > recordsMax) return undefined;

  const seen = new Map<string, TradeWindow>();
  const isNew: CaughtUp['isNew'] = (key, trade) => {
    const [source = '', symbol = ''] = key.split('|');
    const window = seen.get(key) ?? new TradeWindow(source, symbol, 0, 0);
    seen.set(key, window);
    return window.take(trade) === 'new';
  };
  const offsets = [...from.offsets];
  const place = { incarnation: from.incarnation, offsets };
  const starts = described.partitions.map(({ partition, startOffset }) => ({
    partition,
    offset: Math.max(startOffset, (offsets[partition] ?? 0) - primerRecords),
  }));
  const enough = new AbortController();
  const watch = setInterval(() => {
    if (hub.canServe(options.keys, place)) enough.abort();
  }, watchMs);
  try {
    const reading = { topic, from: starts, signal: AbortSignal.any([signal, enough.signal]) };
    for await (const batch of log.read(reading)) {
      if (batch.incarnation !== place.incarnation) return undefined;
      const data = take(batch);
      if (data.length > 0) await options.send(updateText(data, encodeToken(place)));
      if (hub.canServe(options.keys, place)) break;
    }
  } finally {
    clearInterval(watch);
  }
  return hub.canServe(options.keys, place) ? { place, isNew } : undefined;

  function take(batch: LogBatch): string[] {
    const wanted = offsets[batch.partition] ?? 0;
    const missed = new Map<string, string[]>();
    for (const trade of tradesOf(batch.lines, batch.baseOffset)) {
      const key = marketKey(trade.source, trade.symbol);
      if (!keys.has(key) || !isNew(key, trade) || trade.offset < wanted) continue;
      const trades = missed.get(key);
      if (trades === undefined) missed.set(key, [trade.json]);
      else trades.push(trade.json);
    }
    offsets[batch.partition] = Math.max(wanted, batch.baseOffset + batch.count);
    return [...missed].map(([key, trades]) => {
      const [source = '', symbol = ''] = key.split('|');
      return symbolTradesText(source, symbol, trades);
    });
  }
}
