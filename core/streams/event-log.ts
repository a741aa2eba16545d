/**
 * A partitioned, durable log of records: Kafka's model, so that Kafka and Postgres both fit.
 * Every adapter passes the same contract suite (`tests/core/streams`).
 */
export interface EventLog {
  /** `postgres` or `kafka`, for logs and health. */
  readonly kind: string;
  /** Creates the topic where it is missing; an existing one with another number of partitions is an error. */
  ensureTopic(topic: string, options: TopicOptions): Promise<void>;
  /** What the topic is now; `incarnation` changes when a topic is deleted and created again. */
  describe(topic: string): Promise<TopicDescription>;
  /**
   * Appends records; when it resolves they are durable. Records of one key keep their order within and between
   * calls that were not made at the same time. Bounded: a call waits while too much is in flight.
   */
  append(topic: string, records: readonly LogRecord[]): Promise<void>;
  /** Joins a consumer group; see {@link GroupConsumer}. */
  joinGroup(options: GroupOptions): Promise<GroupConsumer>;
  /** Reads given partitions from given offsets, without a group: tails, tests, replays. */
  read(options: ReadOptions): AsyncIterable<LogBatch>;
  /** A quick round trip; throws LOG_UNREACHABLE. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface TopicOptions {
  partitions: number;
  retentionMs: number;
}

export interface TopicDescription {
  incarnation: string;
  partitions: PartitionDescription[];
}

export interface PartitionDescription {
  partition: number;
  /** Oldest offset still held. */
  startOffset: number;
  /** Offset the next record will get. */
  endOffset: number;
}

export interface LogRecord {
  /** Chooses the partition (murmur2 of the key, as Kafka's default partitioner does). */
  key: string;
  /** One line of text without line breaks. */
  value: string;
}

/** Consecutive records of one partition: record i has offset `baseOffset + i`; offsets have no holes inside. */
export interface LogBatch {
  topic: string;
  partition: number;
  incarnation: string;
  baseOffset: number;
  count: number;
  /** The records' values, each ended by `\n`; a value that held a line break arrives as `{"raw","reason"}`. */
  lines: Buffer;
}

export interface Assignment {
  topic: string;
  partition: number;
  incarnation: string;
}

export interface GroupOptions {
  group: string;
  topic: string;
  /** Upper bound of bytes of `lines` held for the caller before fetching stops (back-pressure). */
  maxBufferedBytes: number;
  /**
   * Called when partitions become this member's, before any of their batches: returns the offset to start at for
   * each (the sink's own word, never the broker's), in the same order. Each call starts a new ownership.
   */
  onAssigned: (assigned: readonly Assignment[]) => Promise<number[]>;
  /** Called when partitions are no longer this member's; batches of theirs that are still held are useless. */
  onRevoked: (revoked: readonly Assignment[]) => void;
  /**
   * The start offset was out of range, below what is held or beyond the end (a log that lost its tail); reading goes on at
   * `actual`, the first that is held.
   * The caller records the hole.
   */
  onOutOfRange?: (at: Assignment, wanted: number, actual: number) => void;
  /** Session time-out where the log has one. */
  sessionTimeoutMs?: number;
}

export interface GroupConsumer {
  /**
   * The next batches of assigned partitions, in order within each partition. Waits up to `waitMs` for the first;
   * an empty array when there is none. At most `maxBytes` of lines (but at least one batch).
   */
  poll(waitMs: number, maxBytes: number): Promise<LogBatch[]>;
  /** Tells the log how far this group has got, for lag displays only; failures are harmless. */
  reportProgress(positions: readonly { partition: number; nextOffset: number }[]): Promise<void>;
  /** Gives up all partitions and joins again as new (after FENCED). */
  rejoin(): Promise<void>;
  close(): Promise<void>;
}

export interface ReadOptions {
  topic: string;
  /** Where to start; `'end'` means what comes from now on. Partitions left out are not read. */
  from: readonly { partition: number; offset: number | 'end' }[];
  signal: AbortSignal;
}
