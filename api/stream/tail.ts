import { setTimeout as sleep } from 'node:timers/promises';
import { isTicklakeError, messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { EventLog, TopicDescription } from '#core/streams/event-log.ts';
import type { LogPlace } from './resume-token.ts';

/** What a tail tells its one listener. */
export interface TailListener<E> {
  /** Reading starts at a place that does not follow from what came before: forget it. */
  restarted(place: LogPlace): void;
  /** Records of one partition in the order of the log; what comes next there has `nextOffset`. */
  records(partition: number, entries: Iterable<E>, nextOffset: number): void;
  /** Whether the log is being read, and what it held as reading began has been. */
  attached(reading: boolean): void;
}

/** A topic of the log, and what is read of its records. */
export interface TailedTopic<E> {
  readonly topic: string;
  decode(lines: Buffer, baseOffset: number): Iterable<E>;
}

export interface TailOptions<E> {
  log: EventLog;
  channel: TailedTopic<E>;
  logger: Logger;
  listener: TailListener<E>;
}

export interface Tail {
  close(): Promise<void>;
}

/** Records per partition that are read again at the start, so that snapshots are not empty. */
const warmRecords = 2_000;
const retryMsMin = 100;
const retryMsMax = 5_000;

/**
 * Reads a channel's topic from shortly before its end, for as long as the process runs. An outage of the log is waited out
 * and reading goes on where it was; a topic that was made anew, or that no longer holds where reading was, is a restart.
 */
export function startTail<E>(options: TailOptions<E>): Tail {
  const closing = new AbortController();
  const running = run(options, closing.signal);
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}

async function run<E>(options: TailOptions<E>, signal: AbortSignal): Promise<void> {
  const { listener, logger } = options;
  let place: { incarnation: string; offsets: number[] } | undefined;
  let retryMs = retryMsMin;
  while (!signal.aborted) {
    try {
      const topic = await options.log.describe(options.channel.topic);
      if (place === undefined || !holds(topic, place)) {
        place = warmPlace(topic);
        listener.restarted({ incarnation: place.incarnation, offsets: [...place.offsets] });
      }
      retryMs = retryMsMin;
      if (!(await follow(options, place, endOffsets(topic), signal))) {
        listener.attached(false);
        place = undefined;
      }
    } catch (error) {
      listener.attached(false);
      if (signal.aborted) return;
      const level = isTicklakeError(error, 'NOT_FOUND') ? 'debug' : 'warn';
      logger[level]({ reason: messageOf(error), retryMs }, 'the log cannot be read, trying again');
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, retryMsMax);
    }
  }
}

/** Reads on from `place`, moving it; false when records were skipped over or the topic is another one. */
async function follow<E>(
  { log, channel, listener }: TailOptions<E>,
  place: { incarnation: string; offsets: number[] },
  ends: readonly number[],
  signal: AbortSignal,
): Promise<boolean> {
  const isBehind = (): boolean => ends.some((end, partition) => (place.offsets[partition] ?? 0) < end);
  let mustCatchUp = isBehind();
  if (!mustCatchUp) listener.attached(true);
  const from = place.offsets.map((offset, partition) => ({ partition, offset }));
  for await (const batch of log.read({ topic: channel.topic, from, signal })) {
    if (batch.incarnation !== place.incarnation || batch.baseOffset !== place.offsets[batch.partition])
      return false;
    const nextOffset = batch.baseOffset + batch.count;
    listener.records(batch.partition, channel.decode(batch.lines, batch.baseOffset), nextOffset);
    place.offsets[batch.partition] = nextOffset;
    if (mustCatchUp && !isBehind()) {
      mustCatchUp = false;
      listener.attached(true);
    }
  }
  return true;
}

/** Whether the topic has everything from a place on. */
export function holds(topic: TopicDescription, place: LogPlace): boolean {
  return (
    topic.incarnation === place.incarnation &&
    topic.partitions.length === place.offsets.length &&
    topic.partitions.every(({ partition, startOffset, endOffset }) => {
      const offset = place.offsets[partition];
      return offset !== undefined && offset >= startOffset && offset <= endOffset;
    })
  );
}

function warmPlace(topic: TopicDescription): { incarnation: string; offsets: number[] } {
  const offsets = byNumber(topic).map(({ startOffset, endOffset }) =>
    Math.max(startOffset, endOffset - warmRecords),
  );
  return { incarnation: topic.incarnation, offsets };
}

function endOffsets(topic: TopicDescription): number[] {
  return byNumber(topic).map(({ endOffset }) => endOffset);
}

function byNumber({ partitions }: TopicDescription): TopicDescription['partitions'] {
  return partitions.toSorted((a, b) => a.partition - b.partition);
}
