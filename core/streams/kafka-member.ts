import type { Batch, Consumer, Kafka } from 'kafkajs';
import type { Assignment, GroupOptions } from './event-log.ts';

/** One ownership of one partition: a new object each time the group is joined. */
export interface Owned {
  assignment: Assignment;
  nextOffset: number;
}

/** One kafkajs consumer, from joining until it is given up; a new one is built after every failure. */
export interface Member {
  consumer: Consumer;
  ended: AbortController;
  /** Counts joins and revocations: what belongs to an earlier one is stale. */
  generation: number;
  owned: Map<number, Owned>;
  wasAssigned: boolean;
}

/** Of compressed bytes: kafkajs unpacks a whole answer before it heartbeats again, so an answer must stay small. */
const fetchBytesMax = 1024 * 1024;
const rebalanceTimeoutMs = 60_000;

export function newMember(kafka: Kafka, options: GroupOptions & { sessionTimeoutMs: number }): Member {
  const maxBytes = Math.min(options.maxBufferedBytes, fetchBytesMax);
  const consumer = kafka.consumer({
    groupId: options.group,
    sessionTimeout: options.sessionTimeoutMs,
    heartbeatInterval: Math.round(options.sessionTimeoutMs / 6),
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

/** kafkajs passes over batches of nothing but transaction markers by itself; our position follows. */
export function skipControlRecords(
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
export function fetchedFrom(batch: Batch): number {
  return Number('fetchedOffset' in batch ? batch.fetchedOffset : batch.firstOffset());
}
