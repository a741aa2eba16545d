import { setTimeout as sleep } from 'node:timers/promises';
import { isTicklakeError, messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Batch, Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { BatchBuffer } from './batch-buffer.ts';
import type {
  Assignment,
  GroupConsumer,
  GroupOptions,
  LogBatch,
  PartitionDescription,
  TopicDescription,
} from './event-log.ts';
import { toBatches } from './kafka-batches.ts';
import type { LogMetrics } from './log-metrics.ts';

export interface KafkaGroupOptions extends GroupOptions {
  /** Partitions to read of those assigned; all when left out. */
  only?: ReadonlySet<number>;
  /** The topic as it is now: its incarnation and each partition's bounds. */
  describe: () => Promise<TopicDescription>;
  incarnation: () => Promise<string>;
  onClosed: () => void;
}

/** One ownership of one partition: a new object each time the group is joined. */
interface Owned {
  assignment: Assignment;
  nextOffset: number;
}

/** One kafkajs consumer, from joining until it is given up; a new one is built after every failure. */
interface Member {
  consumer: Consumer;
  ended: AbortController;
  /** Counts joins: what belongs to an earlier join is stale. */
  generation: number;
  owned: Map<number, Owned>;
  wasAssigned: boolean;
}

const retryMsMax = 5_000;
const heartbeatMs = 500;
const incarnationMs = 5_000;
/** Of compressed bytes: kafkajs unpacks a whole answer before it heartbeats again, so an answer must stay small. */
const fetchBytesMax = 1024 * 1024;
const batchBytesMax = 256 * 1024;
const rebalanceTimeoutMs = 60_000;

/**
 * A member of a Kafka consumer group. kafkajs pushes batches; here they wait in a bounded buffer for `poll`, and the
 * handler holds kafkajs back, heartbeating, while the buffer is full. Positions are ours (`onAssigned`), never the
 * broker's: a batch fetched from anywhere else is dropped, and the consumer is sent back to where it should be.
 */
export class KafkaGroup implements GroupConsumer {
  readonly #kafka: Kafka;
  readonly #options: KafkaGroupOptions;
  readonly #logger: Logger;
  readonly #countJoin: () => void;
  readonly #buffer: BatchBuffer;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #member: Member | undefined;
  #memberEnded: Promise<void> = Promise.resolve();

  constructor(kafka: Kafka, options: KafkaGroupOptions, logger: Logger, metrics: LogMetrics) {
    this.#kafka = kafka;
    this.#options = options;
    this.#logger = logger;
    // Readers outside groups have made-up names: as labels they would grow without bound.
    const labels = { group: options.only === undefined ? options.group : 'read', topic: options.topic };
    this.#buffer = new BatchBuffer(options.maxBufferedBytes, (bytes) =>
      metrics.bufferedBytes.set(labels, bytes),
    );
    this.#countJoin = () => metrics.joins.inc(labels);
    this.#running = this.#run();
  }

  async poll(waitMs: number, maxBytes: number): Promise<LogBatch[]> {
    return await this.#buffer.take(waitMs, maxBytes);
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async reportProgress(positions: readonly { partition: number; nextOffset: number }[]): Promise<void> {
    const { topic } = this.#options;
    const offsets = positions.map(({ partition, nextOffset }) => ({
      topic,
      partition,
      offset: String(nextOffset),
    }));
    await this.#member?.consumer.commitOffsets(offsets).catch((error: unknown) => {
      this.#logger.debug({ reason: messageOf(error) }, 'could not report progress to Kafka');
    });
  }

  async rejoin(): Promise<void> {
    this.#member?.ended.abort();
    await this.#memberEnded;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#buffer.close();
    this.#member?.ended.abort();
    await this.#running;
    this.#options.onClosed();
  }

  async #run(): Promise<void> {
    let retryMs = 0;
    while (!this.#closing.signal.aborted) {
      const member = this.#newMember();
      this.#member = member;
      const ended = this.#runMember(member);
      this.#memberEnded = ended.then(() => undefined);
      const failure = await ended;
      if (failure === undefined) {
        retryMs = 0;
        continue;
      }
      retryMs = member.wasAssigned ? 100 : Math.min(Math.max(retryMs * 2, 100), retryMsMax);
      const { group, topic } = this.#options;
      this.#logger.warn(
        { group, topic, reason: messageOf(failure) },
        'left the consumer group, joining again',
      );
      const jitteredMs = retryMs * (0.5 + Math.random());
      await sleep(jitteredMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    }
  }

  #newMember(): Member {
    const sessionTimeout = this.#options.sessionTimeoutMs ?? 6_000;
    const maxBytes = Math.min(this.#options.maxBufferedBytes, fetchBytesMax);
    const consumer = this.#kafka.consumer({
      groupId: this.#options.group,
      sessionTimeout,
      heartbeatInterval: Math.round(sessionTimeout / 6),
      rebalanceTimeout: rebalanceTimeoutMs,
      maxBytes,
      maxBytesPerPartition: Math.min(maxBytes, fetchBytesMax / 4),
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
      // A CRASH always ends this consumer and builds a new one: one way back instead of two.
      retry: {
        retries: 5,
        initialRetryTime: 100,
        maxRetryTime: 2_000,
        restartOnFailure: () => Promise.resolve(false),
      },
    });
    return { consumer, ended: new AbortController(), generation: 0, owned: new Map(), wasAssigned: false };
  }

  /** Until the member ends: undefined when it was asked to, else why it failed. Never throws. */
  async #runMember(member: Member): Promise<unknown> {
    const { consumer, ended } = member;
    const { topic } = this.#options;
    let failure: unknown;
    const fail = (error: unknown) => {
      failure ??= error;
      ended.abort();
    };
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#assign(member, payload.memberAssignment[topic] ?? []).catch(fail);
    });
    consumer.on(consumer.events.REBALANCING, () => this.#revoke(member));
    consumer.on(consumer.events.CRASH, ({ payload }) => fail(payload.error));
    consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) skipControlRecords(member, payload);
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async (payload) => await this.#accept(member, payload),
      });
      await this.#watchIncarnation(member);
    } catch (error) {
      fail(error);
    }
    ended.abort();
    this.#revoke(member);
    await consumer.disconnect().catch(() => undefined);
    return failure;
  }

  async #assign(member: Member, partitions: readonly number[]): Promise<void> {
    this.#revoke(member);
    member.generation += 1;
    const generation = member.generation;
    const { topic } = this.#options;
    this.#countJoin();
    const unread = partitions.filter((partition) => this.#options.only?.has(partition) === false);
    if (unread.length > 0) member.consumer.pause([{ topic, partitions: unread }]);
    const wanted = partitions.filter((partition) => !unread.includes(partition));
    if (wanted.length === 0) return;

    const described = await this.#options.describe();
    const assigned = wanted.map((partition) => ({ topic, partition, incarnation: described.incarnation }));
    const offsets = await this.#options.onAssigned(assigned);
    if (member.generation !== generation || member.ended.signal.aborted) return;
    member.wasAssigned = true;
    assigned.forEach((assignment, index) => {
      const owned = { assignment, nextOffset: offsets[index] ?? 0 };
      member.owned.set(assignment.partition, owned);
      this.#seek(member, owned, described.partitions);
    });
  }

  /** Sends the consumer to where the ownership stands, or to where the log still holds records. */
  #seek(member: Member, owned: Owned, bounds: readonly PartitionDescription[]): void {
    const { partition, topic } = owned.assignment;
    const held = bounds.find((of) => of.partition === partition);
    const wanted = owned.nextOffset;
    if (held !== undefined) owned.nextOffset = Math.min(Math.max(wanted, held.startOffset), held.endOffset);
    if (owned.nextOffset !== wanted) this.#options.onOutOfRange?.(owned.assignment, wanted, owned.nextOffset);
    member.consumer.seek({ topic, partition, offset: String(owned.nextOffset) });
  }

  #revoke(member: Member): void {
    member.generation += 1;
    const revoked = [...member.owned.values()].map((owned) => owned.assignment);
    member.owned.clear();
    if (revoked.length === 0) return;
    this.#buffer.drop(() => true);
    this.#options.onRevoked(revoked);
  }

  /** Holds kafkajs back until everything of the batch is in the buffer, or the ownership has ended. */
  async #accept(member: Member, { batch, heartbeat, resolveOffset }: EachBatchPayload): Promise<void> {
    const owned = await this.#ownerOf(member, batch.partition, heartbeat);
    if (owned === undefined) return;
    const isStale = () => member.owned.get(batch.partition) !== owned;
    if (fetchedFrom(batch) !== owned.nextOffset) return await this.#correct(member, owned);
    for (const one of toBatches(owned.assignment, batch.messages, batchBytesMax)) {
      while (this.#buffer.room <= 0 && !isStale() && !member.ended.signal.aborted) {
        await waitAtMost(heartbeatMs, this.#buffer.waitForRoom());
        await heartbeat();
      }
      if (isStale()) return;
      this.#buffer.push(one);
      owned.nextOffset = one.baseOffset + one.count;
      resolveOffset(String(owned.nextOffset - 1));
    }
    owned.nextOffset = Number(batch.lastOffset()) + 1;
  }

  /** Waits while the sink still answers `onAssigned`; undefined when the group was left or joined anew meanwhile. */
  async #ownerOf(
    member: Member,
    partition: number,
    heartbeat: () => Promise<void>,
  ): Promise<Owned | undefined> {
    const { generation } = member;
    while (!member.owned.has(partition)) {
      await sleep(20);
      if (member.generation !== generation || member.ended.signal.aborted) return undefined;
      await heartbeat();
    }
    return member.owned.get(partition);
  }

  /** The consumer read from elsewhere: it was sent back before that was seen, or the log no longer holds the offset. */
  async #correct(member: Member, owned: Owned): Promise<void> {
    const { incarnation, partitions } = await this.#options.describe();
    if (member.owned.get(owned.assignment.partition) !== owned) return;
    if (incarnation !== owned.assignment.incarnation) throw new Error('the topic was recreated');
    this.#seek(member, owned, partitions);
  }

  /** Kafka tells no consumer that its topic was recreated: asks again and again, until the member ends. */
  async #watchIncarnation(member: Member): Promise<void> {
    const { signal } = member.ended;
    while (!signal.aborted) {
      await sleep(incarnationMs, undefined, { signal }).catch(() => undefined);
      const [owned] = member.owned.values();
      if (signal.aborted || owned === undefined) continue;
      const incarnation = await this.#options.incarnation().catch((error: unknown) => {
        if (isTicklakeError(error, 'LOG_UNREACHABLE')) return owned.assignment.incarnation;
        throw error;
      });
      const isCurrent = member.owned.get(owned.assignment.partition) === owned;
      if (isCurrent && incarnation !== owned.assignment.incarnation)
        throw new Error('the topic was recreated');
    }
  }
}

/** kafkajs passes over batches of nothing but transaction markers by itself; our position follows. */
function skipControlRecords(
  member: Member,
  batch: { partition: number; firstOffset: string | null; lastOffset: string },
): void {
  const owned = member.owned.get(batch.partition);
  const first = Number(batch.firstOffset ?? batch.lastOffset);
  const last = Number(batch.lastOffset);
  if (owned !== undefined && first <= owned.nextOffset && owned.nextOffset <= last)
    owned.nextOffset = last + 1;
}

/** Where the fetch of this batch began: kafkajs keeps it on the batch but leaves it out of its types. */
function fetchedFrom(batch: Batch): number {
  return Number('fetchedOffset' in batch ? batch.fetchedOffset : batch.firstOffset());
}

async function waitAtMost(waitMs: number, event: Promise<void>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([event, sleep(waitMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
}
