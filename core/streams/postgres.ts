import { setTimeout as sleep } from 'node:timers/promises';
import { zstdCompressSync, constants } from 'node:zlib';
import { messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { ByteGate } from './byte-gate.ts';
import type { EventLog, GroupConsumer, GroupOptions, LogBatch, LogRecord } from './event-log.ts';
import type { ReadOptions, TopicDescription, TopicOptions } from './event-log.ts';
import { linesByPartition } from './lines.ts';
import { logMetrics, type LogMetrics } from './log-metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { Bell, bellChannel } from './postgres-bell.ts';
import { rows } from './postgres-database.ts';
import { correctedOffset, fetchBatches, IdleBackoff, type Position } from './postgres-fetch.ts';
import { PostgresGroup } from './postgres-group.ts';
import { describeTopic, findTopic, type PostgresTopic } from './postgres-topics.ts';
import { topicMissing, wrongPartitions } from './topic-errors.ts';

export interface PostgresLogOptions {
  /** Migrated; the log does not close it. */
  database: Database;
  logger: Logger;
  metrics: Metrics;
  /** Bytes of appends under way before `append` waits; 16 MiB by default. */
  maxInFlightBytes?: number;
}

const fetchBytesMax = 4 * 1024 * 1024;
const retentionEveryMs = 30_000;
const retentionStep = 500;
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/**
 * The event log on Postgres (schema `log`): records are stored in batches, one row per append and partition, as
 * Kafka stores them. An append that fails may have been stored all the same: who repeats it stores records twice, and
 * the lake drops ids it holds. A log that appends also deletes, in bounded steps, what is older than its topics' retention.
 */
export function createPostgresLog(options: PostgresLogOptions): EventLog {
  return new PostgresLog(options);
}

class PostgresLog implements EventLog {
  readonly kind = 'postgres';
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #metrics: LogMetrics;
  readonly #gate: ByteGate;
  readonly #topics = new Map<string, PostgresTopic>();
  readonly #groups = new Set<PostgresGroup>();
  readonly #closing = new AbortController();
  readonly #bell: Bell;
  readonly #retention: Promise<void>;

  constructor(options: PostgresLogOptions) {
    this.#database = options.database;
    this.#logger = options.logger;
    this.#metrics = logMetrics(options.metrics);
    this.#gate = new ByteGate(options.maxInFlightBytes ?? 16 * 1024 * 1024, (bytes) => {
      this.#metrics.appendInFlightBytes.set(bytes);
    });
    this.#bell = new Bell(options.database, options.logger);
    this.#retention = this.#retainUntilClosed();
  }

  async ensureTopic(topic: string, options: TopicOptions): Promise<void> {
    const sql = 'select log.ensure_topic($1, $2, $3) as partitions';
    const params = [topic, options.partitions, options.retentionMs];
    const ensured = await rows<{ partitions: number }>(this.#database, sql, params);
    const partitions = ensured[0]?.partitions ?? 0;
    if (partitions !== options.partitions) throw wrongPartitions(topic, options.partitions, partitions);
  }

  async describe(topic: string): Promise<TopicDescription> {
    return await describeTopic(this.#database, topic);
  }

  async append(topic: string, records: readonly LogRecord[]): Promise<void> {
    if (records.length === 0) return;
    const bytes = records.reduce((sum, record) => sum + record.value.length + 1, 0);
    await this.#gate.enter(bytes);
    const observe = this.#metrics.appendSeconds.startTimer();
    try {
      await this.#appendToCurrent(topic, records);
      this.#metrics.appendedRecords.inc({ topic }, records.length);
      observe();
    } finally {
      this.#gate.leave(bytes);
    }
  }

  async joinGroup(options: GroupOptions): Promise<GroupConsumer> {
    await findTopic(this.#database, options.topic);
    const group = new PostgresGroup(this.#database, this.#bell, options, this.#logger, this.#metrics, () => {
      this.#groups.delete(group);
    });
    this.#groups.add(group);
    return group;
  }

  async *read(options: ReadOptions): AsyncIterable<LogBatch> {
    const { signal } = options;
    const topic = await findTopic(this.#database, options.topic);
    const { partitions } = await describeTopic(this.#database, options.topic);
    const positions: Position[] = options.from.map(({ partition, offset }) => ({
      partition,
      nextOffset: offset === 'end' ? (partitions[partition]?.endOffset ?? 0) : offset,
    }));
    const idle = new IdleBackoff(this.#bell);
    while (!signal.aborted && !this.#closing.signal.aborted) {
      let found = false;
      const heard = this.#bell.heard(topic.topicId);
      const fetched = await fetchBatches(this.#database, topic, positions, fetchBytesMax);
      if (fetched.length < positions.length) throw topicMissing(options.topic);
      for (const held of fetched) {
        const position = positions.find((of) => of.partition === held.partition);
        if (position === undefined) continue;
        position.nextOffset = correctedOffset(position.nextOffset, held) ?? position.nextOffset;
        for (const batch of held.batches) {
          if (signal.aborted) return;
          found = true;
          position.nextOffset = batch.baseOffset + batch.count;
          yield batch;
        }
      }
      if (found) idle.reset();
      else await this.#bell.wait(topic.topicId, heard, idle.next(), signal);
    }
  }

  async ping(): Promise<void> {
    await rows(this.#database, 'select 1');
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#groups].map(async (group) => await group.close()));
    await this.#bell.close();
    await this.#retention;
  }

  /** A topic that was recreated has another id: the remembered one then fails, and is looked up once more. */
  async #appendToCurrent(topic: string, records: readonly LogRecord[]): Promise<void> {
    const known = this.#topics.get(topic);
    if (known !== undefined && (await this.#appendTo(known, records))) return;
    const found = await findTopic(this.#database, topic);
    this.#topics.set(topic, found);
    if (!(await this.#appendTo(found, records))) throw topicMissing(topic);
  }

  async #appendTo(topic: PostgresTopic, records: readonly LogRecord[]): Promise<boolean> {
    const parts = linesByPartition(records, topic.partitions).map((part) => {
      const lines = Buffer.from(part.lines);
      return { ...part, bytes: lines.length, payload: zstdCompressSync(lines, compression) };
    });
    const appended = await rows<{ append: boolean }>(
      this.#database,
      'select log.append($1, $2, $3, $4, $5, $6) as append, pg_notify($7, $1::integer::text)',
      [
        topic.topicId,
        parts.map((part) => part.partition),
        parts.map((part) => part.count),
        parts.map((part) => part.bytes),
        parts.map((part) => part.payload.length),
        Buffer.concat(parts.map((part) => part.payload)),
        bellChannel,
      ],
    );
    return appended[0]?.append === true;
  }

  async #retainUntilClosed(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const waiting = { signal: this.#closing.signal, ref: false };
      await sleep(retentionEveryMs, undefined, waiting).catch(() => undefined);
      for (const topic of this.#topics.values()) {
        if (this.#closing.signal.aborted) return;
        await retain(this.#database, topic.topicId).catch((error: unknown) => {
          this.#logger.warn(
            { topic: topic.topic, reason: messageOf(error) },
            'could not delete what is past retention',
          );
        });
      }
    }
  }
}

/** Deletes the topic's batches past retention, in steps of a bounded number of batches; returns how many. */
export async function retain(database: Database, topicId: number): Promise<number> {
  let total = 0;
  for (;;) {
    const step = await rows<{ deleted: number }>(database, 'select log.retain($1, $2) as deleted', [
      topicId,
      retentionStep,
    ]);
    const deleted = step[0]?.deleted ?? 0;
    total += deleted;
    if (deleted < retentionStep) return total;
  }
}
