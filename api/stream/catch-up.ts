import type { EventLog, LogBatch } from '#core/streams/event-log.ts';
import type { Channel } from './channel.ts';
import { updateText } from './frames.ts';
import type { Hub } from './hub.ts';
import type { Interest } from './interest.ts';
import { encodeToken, type LogPlace } from './resume-token.ts';
import { holds } from './tail.ts';
import { SeriesWindow, type Entry } from './window.ts';

export interface CatchUpOptions {
  log: Pick<EventLog, 'describe' | 'read'>;
  channel: Channel;
  hub: Hub;
  interest: Interest;
  /** How each message begins. */
  label: string;
  /** Where the client got to. */
  from: LogPlace;
  /** Hands over one message and waits while the client is behind. */
  send: (text: string) => Promise<void>;
  signal: AbortSignal;
}

/** Where a client stands after catching up, and what it was sent of late. */
export interface CaughtUp {
  place: LogPlace;
  isNew: (entry: Entry) => boolean;
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
  const { log, channel, hub, interest, from, signal } = options;
  const described = await log.describe(channel.topic);
  if (!holds(described, from)) return undefined;
  const behind = described.partitions.reduce(
    (sum, { partition, endOffset }) => sum + endOffset - (from.offsets[partition] ?? 0),
    0,
  );
  if (behind > recordsMax) return undefined;

  const seen = new Map<string, SeriesWindow>();
  const isNew: CaughtUp['isNew'] = (entry) => {
    const window = seen.get(entry.key) ?? new SeriesWindow(entry.key, { ...channel, heldMax: 1 });
    seen.set(entry.key, window);
    return window.take(entry) === 'new';
  };
  const offsets = [...from.offsets];
  const place = { incarnation: from.incarnation, offsets };
  const starts = described.partitions.map(({ partition, startOffset }) => ({
    partition,
    offset: Math.max(startOffset, (offsets[partition] ?? 0) - primerRecords),
  }));
  const enough = new AbortController();
  const watch = setInterval(() => {
    if (hub.canServe(interest, place)) enough.abort();
  }, watchMs);
  try {
    const reading = { topic: channel.topic, from: starts, signal: AbortSignal.any([signal, enough.signal]) };
    for await (const batch of log.read(reading)) {
      if (batch.incarnation !== place.incarnation) return undefined;
      const data = take(batch);
      if (data.length > 0) await options.send(updateText(options.label, data, encodeToken(place)));
      if (hub.canServe(interest, place)) break;
    }
  } finally {
    clearInterval(watch);
  }
  return hub.canServe(interest, place) ? { place, isNew } : undefined;

  function take(batch: LogBatch): string[] {
    const wanted = offsets[batch.partition] ?? 0;
    const missed = new Map<string, string[]>();
    for (const entry of channel.decode(batch.lines, batch.baseOffset)) {
      const { key, offset, json } = entry;
      if (!interest.has(key) || !isNew(entry) || offset < wanted) continue;
      const records = missed.get(key);
      if (records === undefined) missed.set(key, [json]);
      else records.push(json);
    }
    offsets[batch.partition] = Math.max(wanted, batch.baseOffset + batch.count);
    return [...missed].map(([key, records]) => channel.groupText(key, records));
  }
}
