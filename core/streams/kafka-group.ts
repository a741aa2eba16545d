import { setTimeout as sleep } from 'node:timers/promises';
import { isTicklakeError, messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { EachBatchPayload, Kafka } from 'kafkajs';
import { Assigner } from './assigner.ts';
import { BatchBuffer } from './batch-buffer.ts';
import type {
  GroupConsumer,
  GroupOptions,
  LogBatch,
  PartitionDescription,
  TopicDescription,
} from './event-log.ts';
import { toBatches } from './kafka-batches.ts';
import { fetchedFrom, newMember, skipControlRecords, type Member, type Owned } from './kafka-member.ts';
import type { LogMetrics } from './log-metrics.ts';

export interface KafkaGroupOptions extends GroupOptions {
  sessionTimeoutMs: number;
  /** Partitions to read of those assigned; all when left out. */
  only?: ReadonlySet<number>;
  /** The topic as it is now: its incarnation and each partition's bounds. */
  describe: () => Promise<TopicDescription>;
  incarnation: () => Promise<string>;
  onClosed: () => void;
}

const retryMsMax = 5_000;
const heartbeatMs = 500;
const incarnationMs = 5_000;
const batchBytesMax = 256 * 1024;

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
  readonly #assigner: Assigner;
  readonly #buffer: BatchBuffer;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #member: Member | undefined;
  #memberEnded: Promise<void> = Promise.resolve();

  constructor(kafka: Kafka, options: KafkaGroupOptions, logger: Logger, metrics: LogMetrics) {
    this.#kafka = kafka;
    this.#options = options;
    this.#assigner = new Assigner(options);
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
      const member = newMember(this.#kafka, this.#options);
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

    const isCurrent = () => member.generation === generation && !member.ended.signal.aborted;
    const incarnation = await this.#options.incarnation();
    const assigned = wanted.map((partition) => ({ topic, partition, incarnation }));
    const offsets = await this.#assigner.assign(assigned, isCurrent);
    if (offsets === undefined) return;
    member.wasAssigned = true;
    const owned = assigned.map((assignment, index) => ({ assignment, nextOffset: offsets[index] ?? 0 }));
    for (const one of owned) member.owned.set(one.assignment.partition, one);
    // Asked for after the sink's answer: the offsets it names may have been appended a moment ago.
    const described = await this.#options.describe();
    if (!isCurrent()) return;
    if (described.incarnation !== incarnation) throw new Error('the topic was recreated');
    for (const one of owned) this.#seek(member, one, described.partitions);
  }

  /** Sends the consumer to where the ownership stands, or to where the log still holds records. */
  #seek(member: Member, owned: Owned, bounds: readonly PartitionDescription[]): void {
    const { partition, topic } = owned.assignment;
    const held = bounds.find((of) => of.partition === partition);
    const wanted = owned.nextOffset;
    // Beyond the end the log has lost its tail, and all it holds may be new.
    const inRange = held === undefined || (wanted >= held.startOffset && wanted <= held.endOffset);
    if (!inRange) owned.nextOffset = held.startOffset;
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

async function waitAtMost(waitMs: number, event: Promise<void>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([event, sleep(waitMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
}
