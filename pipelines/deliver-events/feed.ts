import { setTimeout as sleep } from 'node:timers/promises';
import { ordersTopic } from '#core/market/topics.ts';
import { backOffMs } from '#core/platform/back-off.ts';
import { isTicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { claimOffsets, moveOffsets, type OwnedPartition } from '#core/streams/offsets.ts';
import type { EventLog, LogBatch } from '#core/streams/event-log.ts';
import { parseEvent } from '#core/trading/codec.ts';
import type { DeliveredEvent, EventConsumer } from './consumer.ts';
import { deliveryMetrics } from './delivery-metrics.ts';
import { Follower } from './follower.ts';

export interface FeedOptions {
  log: EventLog;
  database: Database;
  consumers: readonly EventConsumer[];
  logger: Logger;
  metrics: Metrics;
  sessionTimeoutMs?: number;
}

export interface EventFeed {
  close(): Promise<void>;
  /** Rejects when it cannot go on. */
  readonly failed: Promise<never>;
}

/** Whose members share the partitions of the topic `orders`. */
export const eventsGroup = 'events';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const pollMs = 100;
const pollBytesMax = 1024 * 1024;
const bufferedBytesMax = 8 * 1024 * 1024;
const placeEveryMs = 1_000;
const retryMs = { firstMs: 100, maxMs: 5_000 };

/**
 * Gives the consumers what the topic `orders` brings. What each has taken stands in Postgres by portfolio and number; the
 * place in the log only says where to read on, so it may be behind, or lost.
 */
export async function startFeed(options: FeedOptions): Promise<EventFeed> {
  const { log, database, consumers, logger } = options;
  const metrics = deliveryMetrics(options.metrics);
  const stopping = new AbortController();
  const { signal } = stopping;
  const followers = consumers.map(
    (consumer) => new Follower({ database, consumer, logger, metrics, signal }),
  );
  const owned = new Map<number, OwnedPartition>();
  let placedAtMs = 0;
  let failures = 0;

  const group = await log.joinGroup({
    group: eventsGroup,
    topic: ordersTopic,
    maxBufferedBytes: bufferedBytesMax,
    ...(options.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: options.sessionTimeoutMs }),
    async onAssigned(assigned) {
      const claims = await claimOffsets(database, eventsGroup, assigned);
      assigned.forEach((assignment, index) => {
        const { epoch = 0, nextOffset = 0 } = claims[index] ?? {};
        owned.set(assignment.partition, { ...assignment, epoch, nextOffset });
      });
      for (const follower of followers) follower.missed();
      return claims.map(({ nextOffset }) => nextOffset);
    },
    onRevoked(revoked) {
      for (const { partition } of revoked) owned.delete(partition);
    },
    onOutOfRange(at, wanted, actual) {
      const of = owned.get(at.partition);
      if (of !== undefined) of.nextOffset = actual;
      for (const follower of followers) follower.missed();
      logger.info({ ...at, wanted, actual }, 'events that the log no longer has are read from Postgres');
    },
  });
  const running = run();
  running.catch(() => undefined);

  return {
    failed: running.then(() => new Promise<never>(() => undefined)),
    async close() {
      stopping.abort();
      await running.catch(() => undefined);
      await group.close();
    },
  };

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const batches = await group.poll(pollMs, pollBytesMax);
      const events = batches.flatMap((batch) => eventsOf(batch));
      await Promise.all(followers.map((follower) => follower.take(events)));
      for (const { partition, baseOffset, count } of batches) {
        const of = owned.get(partition);
        if (of !== undefined) of.nextOffset = Math.max(of.nextOffset, baseOffset + count);
      }
      await keepPlace();
    }
    placedAtMs = 0;
    await keepPlace();
  }

  /** A place that cannot be kept is kept later: what is read again until then was taken already. */
  async function keepPlace(): Promise<void> {
    if (owned.size === 0 || Date.now() - placedAtMs < placeEveryMs) return;
    try {
      await database.transaction(async (tx) => {
        await tx.query('set local synchronous_commit = off');
        await moveOffsets(tx, eventsGroup, [...owned.values()]);
      });
      placedAtMs = Date.now();
      failures = 0;
    } catch (error) {
      if (isTicklakeError(error, 'FENCED')) {
        logger.warn({ err: error }, 'joins the consumers of events again');
        owned.clear();
        return await group.rejoin();
      }
      const failure = toTicklakeError(error);
      if (!failure.retryable) throw failure;
      failures += 1;
      logger.warn({ err: failure, failures }, 'the place in the log could not be kept');
      await sleep(backOffMs(failures, retryMs), undefined, { signal }).catch(() => undefined);
    }
  }

  function eventsOf({ lines }: LogBatch): DeliveredEvent[] {
    return lines
      .toString()
      .split('\n')
      .flatMap((line) => {
        if (line === '') return [];
        const read = eventOf(line);
        if (read !== undefined) return [read];
        metrics.unreadable.inc();
        return [];
      });
  }
}

/** What is none of ours is left out: where it should have been an event, its number is missing and Postgres has it. */
function eventOf(line: string): DeliveredEvent | undefined {
  try {
    const { portfolioId, event } = parseEvent(line);
    const isEvent = uuid.test(portfolioId) && Number.isSafeInteger(event.number);
    return isEvent ? { portfolioId, event } : undefined;
  } catch {
    return undefined;
  }
}
