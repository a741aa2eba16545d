import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import kafkajs, { type Admin, type Kafka, type Producer } from 'kafkajs';
import { ByteGate } from './byte-gate.ts';
import type { EventLog, GroupConsumer, GroupOptions, LogBatch, LogRecord } from './event-log.ts';
import type { ReadOptions, TopicDescription, TopicOptions } from './event-log.ts';
import { isLeaderMoving, kafkaFailure, openKafka } from './kafka-client.ts';
import { KafkaGroup } from './kafka-group.ts';
import type { KafkaSecurity } from './kafka-security.ts';
import { fetchTopicId } from './kafka-topic-id.ts';
import { logMetrics, type LogMetrics } from './log-metrics.ts';
import { partitionOf } from './partitioner.ts';
import { wrongPartitions } from './topic-errors.ts';

const { CompressionTypes, Partitioners } = kafkajs;

export interface KafkaLogOptions {
  /** `host:port` of some brokers. */
  brokers: string[];
  clientId: string;
  /** Default no TLS and nobody in particular. */
  security?: KafkaSecurity;
  /** How long a silent member keeps its partitions; 6,000 by default. Groups may ask for their own. */
  sessionTimeoutMs?: number;
  logger: Logger;
  metrics: Metrics;
  /** Bytes of appends under way before `append` waits; 16 MiB by default. */
  maxInFlightBytes?: number;
}

/** Kept below the broker's message.max.bytes (1,048,588 by default), whatever the compression yields. */
const sendBytesMax = 900_000;
const topicIdMsMax = 5_000;
const settleAttemptsMax = 20;
const settleWaitMs = 250;
const readBytesMax = 4 * 1024 * 1024;

/** The event log on Kafka: idempotent producer, all replicas acknowledged, zstd; the sink keeps its own offsets. */
export function createKafkaLog(options: KafkaLogOptions): EventLog {
  return new KafkaLog(options);
}

class KafkaLog implements EventLog {
  readonly kind = 'kafka';
  readonly #options: KafkaLogOptions;
  readonly #security: KafkaSecurity;
  readonly #kafka: Kafka;
  readonly #metrics: LogMetrics;
  readonly #gate: ByteGate;
  readonly #partitionCounts = new Map<string, number>();
  readonly #groups = new Set<KafkaGroup>();
  #admin: Promise<Admin> | undefined;
  #producer: Promise<Producer> | undefined;

  constructor(options: KafkaLogOptions) {
    this.#options = options;
    this.#security = options.security ?? {};
    this.#kafka = openKafka({ ...options, security: this.#security });
    this.#metrics = logMetrics(options.metrics);
    this.#gate = new ByteGate(options.maxInFlightBytes ?? 16 * 1024 * 1024, (bytes) => {
      this.#metrics.appendInFlightBytes.set(bytes);
    });
  }

  /** The retention of a topic that exists is left as its operator set it. */
  async ensureTopic(topic: string, options: TopicOptions): Promise<void> {
    const configEntries = [{ name: 'retention.ms', value: String(options.retentionMs) }];
    const wanted = { topic, numPartitions: options.partitions, configEntries };
    // What the controller created is unknown to a broker until it hears of it.
    const isUnheard = (error: unknown): boolean => isTicklakeError(error, 'NOT_FOUND');
    await this.#patiently(isUnheard, topic, async (admin) => {
      await admin.createTopics({ topics: [wanted] });
      const actual = await countPartitions(admin, topic);
      if (actual !== options.partitions) throw wrongPartitions(topic, options.partitions, actual);
    });
  }

  async describe(topic: string): Promise<TopicDescription> {
    const incarnation = await this.#topicId(topic);
    const offsets = await this.#patiently(
      isLeaderMoving,
      topic,
      async (admin) => await admin.fetchTopicOffsets(topic),
    );
    const partitions = offsets.map(({ partition, low, high }) => ({
      partition,
      startOffset: Number(low),
      endOffset: Number(high),
    }));
    return { incarnation, partitions: partitions.sort((a, b) => a.partition - b.partition) };
  }

  async append(topic: string, records: readonly LogRecord[]): Promise<void> {
    if (records.length === 0) return;
    const bytes = records.reduce((sum, record) => sum + record.value.length, 0);
    await this.#gate.enter(bytes);
    const observe = this.#metrics.appendSeconds.startTimer();
    try {
      await this.#send(topic, records);
      this.#metrics.appendedRecords.inc({ topic }, records.length);
      observe();
    } finally {
      this.#gate.leave(bytes);
    }
  }

  async joinGroup(options: GroupOptions): Promise<GroupConsumer> {
    await this.#topicId(options.topic);
    return this.#join(options);
  }

  /** kafkajs reads only as a group: this one has a name of its own, and no offsets are kept for it. */
  async *read(options: ReadOptions): AsyncIterable<LogBatch> {
    const { topic, signal } = options;
    const described = await this.describe(topic);
    const offsets = options.from.map(({ partition, offset }) => ({
      partition,
      nextOffset: offset === 'end' ? (described.partitions[partition]?.endOffset ?? 0) : offset,
    }));
    const next = new Map(offsets.map(({ partition, nextOffset }) => [partition, nextOffset]));
    const group = this.#join({
      group: `${this.#options.clientId}.read.${randomUUID()}`,
      topic,
      maxBufferedBytes: readBytesMax,
      only: new Set(next.keys()),
      onAssigned: (assigned) => Promise.resolve(assigned.map(({ partition }) => next.get(partition) ?? 0)),
      onRevoked: () => undefined,
    });
    try {
      while (!signal.aborted && !group.isClosed) {
        for (const batch of await group.poll(100, readBytesMax)) {
          if (signal.aborted) return;
          next.set(batch.partition, batch.baseOffset + batch.count);
          yield batch;
        }
      }
    } finally {
      await group.close();
    }
  }

  async ping(): Promise<void> {
    await this.#asAdmin(undefined, async (admin) => await admin.describeCluster());
  }

  async close(): Promise<void> {
    await Promise.all([...this.#groups].map(async (group) => await group.close()));
    const clients = await Promise.allSettled([this.#producer, this.#admin]);
    for (const client of clients) {
      if (client.status === 'fulfilled') await client.value?.disconnect().catch(() => undefined);
    }
  }

  #join(options: GroupOptions & { only?: ReadonlySet<number> }): KafkaGroup {
    const sessionTimeoutMs = options.sessionTimeoutMs ?? this.#options.sessionTimeoutMs ?? 6_000;
    const describe = async () => await this.describe(options.topic);
    const incarnation = async () => await this.#topicId(options.topic);
    const onClosed = () => this.#groups.delete(group);
    const group = new KafkaGroup(
      this.#kafka,
      { ...options, sessionTimeoutMs, describe, incarnation, onClosed },
      this.#options.logger,
      this.#metrics,
    );
    this.#groups.add(group);
    return group;
  }

  async #topicId(topic: string): Promise<string> {
    const failures: unknown[] = [];
    for (const broker of this.#options.brokers) {
      try {
        return await fetchTopicId(broker, topic, { security: this.#security, timeoutMs: topicIdMsMax });
      } catch (error) {
        failures.push(error);
      }
    }
    throw kafkaFailure(failures[0], topic);
  }

  async #send(topic: string, records: readonly LogRecord[]): Promise<void> {
    await this.#afterForgetting(async () => {
      const partitions = this.#partitionCounts.get(topic) ?? (await this.#countPartitions(topic));
      this.#producer ??= this.#openProducer();
      const producing = this.#producer;
      try {
        const producer = await producing;
        for (const messages of inChunks(records, partitions)) {
          await producer.send({ topic, messages, acks: -1, compression: CompressionTypes.ZSTD });
        }
      } catch (error) {
        // The sequence numbers of a producer that failed are in doubt, and the topic may be another one.
        this.#partitionCounts.delete(topic);
        if (this.#producer === producing) this.#producer = undefined;
        disconnectLater(producing);
        throw kafkaFailure(error, topic);
      }
    });
  }

  async #countPartitions(topic: string): Promise<number> {
    const count = await this.#asAdmin(topic, async (admin) => await countPartitions(admin, topic));
    this.#partitionCounts.set(topic, count);
    return count;
  }

  async #openProducer(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 5,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    return producer;
  }

  async #asAdmin<T>(topic: string | undefined, act: (admin: Admin) => Promise<T>): Promise<T> {
    return await this.#afterForgetting(async () => {
      this.#admin ??= this.#openAdmin();
      const opening = this.#admin;
      try {
        return await act(await opening);
      } catch (error) {
        if (this.#admin === opening) this.#admin = undefined;
        disconnectLater(opening);
        throw kafkaFailure(error, topic);
      }
    });
  }

  /** Asks again, within a bound, while the cluster has not settled what was changed. */
  async #patiently<T>(
    isUnsettled: (error: unknown) => boolean,
    topic: string,
    act: (admin: Admin) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#asAdmin(topic, act);
      } catch (error) {
        if (!isUnsettled(error) || attempt >= settleAttemptsMax) throw error;
        await sleep(settleWaitMs);
      }
    }
  }

  /**
   * Tries once more when a topic is not found: kafkajs' clients remember every topic they met and fail for all of
   * them when any was deleted, so only the answer of a new client counts.
   */
  async #afterForgetting<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!isTicklakeError(error, 'NOT_FOUND')) throw error;
      return await act();
    }
  }

  async #openAdmin(): Promise<Admin> {
    const admin = this.#kafka.admin();
    await admin.connect();
    return admin;
  }
}

function disconnectLater(opening: Promise<{ disconnect: () => Promise<void> }>): void {
  opening.then(async (client) => await client.disconnect()).catch(() => undefined);
}

async function countPartitions(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length ?? 0;
}

function* inChunks(records: readonly LogRecord[], partitions: number) {
  let messages: { key: string; value: string; partition: number }[] = [];
  let bytes = 0;
  for (const { key, value } of records) {
    const size = Buffer.byteLength(value) + key.length + 64;
    if (messages.length > 0 && bytes + size > sendBytesMax) {
      yield messages;
      messages = [];
      bytes = 0;
    }
    messages.push({ key, value, partition: partitionOf(key, partitions) });
    bytes += size;
  }
  yield messages;
}
