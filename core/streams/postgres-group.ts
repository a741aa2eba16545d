import { messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import { Assigner } from './assigner.ts';
import { BatchBuffer } from './batch-buffer.ts';
import type { Assignment, GroupConsumer, GroupOptions, LogBatch } from './event-log.ts';
import type { LogMetrics } from './log-metrics.ts';
import type { Bell } from './postgres-bell.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { correctedOffset, fetchBatches, IdleBackoff, type Fetched } from './postgres-fetch.ts';
import { Membership } from './postgres-membership.ts';
import type { PostgresTopic } from './postgres-topics.ts';

/** One ownership of one partition: a new object each time the partition is assigned. */
interface Owned {
  assignment: Assignment;
  nextOffset: number;
}

const fetchBytesMax = 8 * 1024 * 1024;
const retryMs = 250;

/** A member of a consumer group of the Postgres log: fetches ahead of the caller within `maxBufferedBytes`. */
export class PostgresGroup implements GroupConsumer {
  readonly #database: Database;
  readonly #bell: Bell;
  readonly #options: GroupOptions;
  readonly #logger: Logger;
  readonly #assigner: Assigner;
  readonly #buffer: BatchBuffer;
  readonly #owned = new Map<number, Owned>();
  readonly #membership: Membership;
  readonly #closing = new AbortController();
  readonly #onClosed: () => void;
  readonly #fetching: Promise<void>;
  #topic: PostgresTopic | undefined;
  #wakeFetcher = new AbortController();

  constructor(
    database: Database,
    bell: Bell,
    options: GroupOptions,
    logger: Logger,
    metrics: LogMetrics,
    onClosed: () => void,
  ) {
    this.#onClosed = onClosed;
    this.#database = database;
    this.#bell = bell;
    this.#options = options;
    this.#assigner = new Assigner(options);
    this.#logger = logger;
    const { group, topic } = options;
    this.#buffer = new BatchBuffer(options.maxBufferedBytes, (bytes) => {
      metrics.bufferedBytes.set({ group, topic }, bytes);
    });
    this.#membership = new Membership({
      database,
      group,
      topic,
      sessionTimeoutMs: options.sessionTimeoutMs ?? 6_000,
      onGained: async (of, partitions, ended) => await this.#gain(of, partitions, ended),
      onLost: (partitions) => this.#lose(partitions),
      onJoined: () => metrics.joins.inc({ group, topic }),
      logger,
    });
    this.#fetching = this.#fetchUntilClosed();
  }

  async poll(waitMs: number, maxBytes: number): Promise<LogBatch[]> {
    return await this.#buffer.take(waitMs, maxBytes);
  }

  /** Nothing to tell: the sink's offsets in log.offsets are this log's own word on lag. */
  async reportProgress(): Promise<void> {
    await Promise.resolve();
  }

  async rejoin(): Promise<void> {
    await this.#membership.rejoin();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wakeFetcher.abort();
    this.#buffer.close();
    await Promise.all([this.#membership.close(), this.#fetching]);
    this.#onClosed();
  }

  async #gain(topic: PostgresTopic, partitions: number[], ended: AbortSignal): Promise<void> {
    const assigned = partitions.map((partition) => assignmentOf(topic, partition));
    const offsets = await this.#assigner.assign(assigned, () => !ended.aborted);
    if (offsets === undefined) return;
    this.#topic = topic;
    assigned.forEach((assignment, index) => {
      this.#owned.set(assignment.partition, { assignment, nextOffset: offsets[index] ?? 0 });
    });
    this.#wakeFetcher.abort();
  }

  #lose(partitions: number[]): void {
    const topic = this.#topic;
    const lost = partitions
      .map((partition) => this.#owned.get(partition))
      .filter((owned) => owned !== undefined);
    for (const partition of partitions) this.#owned.delete(partition);
    this.#buffer.drop((batch) => partitions.includes(batch.partition));
    if (topic !== undefined && lost.length > 0)
      this.#options.onRevoked(lost.map((owned) => owned.assignment));
  }

  async #fetchUntilClosed(): Promise<void> {
    const idle = new IdleBackoff(this.#bell);
    while (!this.#closing.signal.aborted) {
      await this.#buffer.waitForRoom();
      let waitMs: number;
      const heard = this.#bell.heard(this.#topic?.topicId ?? 0);
      try {
        const found = await this.#fetchOnce();
        if (found) idle.reset();
        waitMs = found ? 0 : idle.next();
      } catch (error) {
        this.#logger.warn(
          { reason: messageOf(error), topic: this.#options.topic },
          'could not read the event log',
        );
        waitMs = retryMs;
      }
      if (waitMs > 0) await this.#rest(waitMs, heard);
    }
  }

  /** Waits, but not longer than until records are appended, partitions are assigned or the group is closed. */
  async #rest(waitMs: number, heard: number): Promise<void> {
    this.#wakeFetcher = new AbortController();
    if (this.#closing.signal.aborted) return;
    await this.#bell.wait(this.#topic?.topicId ?? 0, heard, waitMs, this.#wakeFetcher.signal);
  }

  /** Whether anything came. What was asked for under an ownership that has ended meanwhile is thrown away. */
  async #fetchOnce(): Promise<boolean> {
    const owned = [...this.#owned.values()];
    const topic = this.#topic;
    if (topic === undefined || owned.length === 0) return false;
    const positions = owned.map((of) => ({ partition: of.assignment.partition, nextOffset: of.nextOffset }));
    const maxBytes = Math.min(this.#buffer.room, fetchBytesMax);
    const fetched = new Map(
      (await fetchBatches(this.#database, topic, positions, maxBytes)).map((of) => [of.partition, of]),
    );
    let found = false;
    for (const of of owned) {
      const held = fetched.get(of.assignment.partition);
      if (held === undefined || this.#owned.get(of.assignment.partition) !== of) continue;
      found = this.#accept(of, held) || found;
    }
    return found;
  }

  #accept(of: Owned, held: Fetched): boolean {
    const corrected = correctedOffset(of.nextOffset, held);
    if (corrected !== undefined) {
      this.#options.onOutOfRange?.(of.assignment, of.nextOffset, corrected);
      of.nextOffset = corrected;
      return true;
    }
    for (const batch of held.batches) {
      this.#buffer.push(batch);
      of.nextOffset = batch.baseOffset + batch.count;
    }
    return held.batches.length > 0;
  }
}

function assignmentOf(topic: PostgresTopic, partition: number): Assignment {
  return { topic: topic.topic, partition, incarnation: topic.incarnation };
}
