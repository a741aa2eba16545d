import { setImmediate as breathe } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import type { Database } from '#core/platform/postgres/database.ts';
import { rows } from './postgres-database.ts';
import type { LogBatch } from './event-log.ts';
import type { Bell } from './postgres-bell.ts';
import { dropLines } from './lines.ts';
import type { PostgresTopic } from './postgres-topics.ts';

/** How long batches are decompressed before other work has its turn. */
const msAtOnce = 10;

export interface Position {
  partition: number;
  nextOffset: number;
}

/** What one partition holds from a position on. */
export interface Fetched {
  partition: number;
  startOffset: number;
  endOffset: number;
  batches: LogBatch[];
}

interface FetchRow {
  partition: number;
  start_offset: string;
  end_offset: string;
  base_offset: string | null;
  record_count: number | null;
  payload: Buffer | null;
}

/**
 * The next batches of each position within `maxBytes` of lines over all (at least one batch where there is any);
 * an empty array when the topic is gone.
 */
export async function fetchBatches(
  database: Database,
  topic: PostgresTopic,
  positions: readonly Position[],
  maxBytes: number,
): Promise<Fetched[]> {
  const found = await rows<FetchRow>(database, 'select * from log.fetch($1, $2, $3, $4)', [
    topic.topicId,
    positions.map((position) => position.partition),
    positions.map((position) => position.nextOffset),
    maxBytes,
  ]);
  const nextOffsets = new Map(positions.map((position) => [position.partition, position.nextOffset]));
  const fetched = new Map<number, Fetched>();
  let sinceMs = performance.now();
  for (const row of found) {
    let of = fetched.get(row.partition);
    if (of === undefined) {
      const bounds = { startOffset: Number(row.start_offset), endOffset: Number(row.end_offset) };
      fetched.set(row.partition, (of = { partition: row.partition, ...bounds, batches: [] }));
    }
    if (row.payload === null || row.record_count === null) continue;
    const baseOffset = Number(row.base_offset);
    // Most batches are small: handing them to another thread takes several times as long as the work itself.
    const lines = zstdDecompressSync(row.payload);
    if (performance.now() - sinceMs >= msAtOnce) {
      await breathe();
      sinceMs = performance.now();
    }
    const skip = Math.max((nextOffsets.get(row.partition) ?? 0) - baseOffset, 0);
    of.batches.push({
      topic: topic.topic,
      partition: row.partition,
      incarnation: topic.incarnation,
      baseOffset: baseOffset + skip,
      count: row.record_count - skip,
      lines: skip === 0 ? lines : dropLines(lines, skip),
    });
  }
  return [...fetched.values()];
}

/**
 * Where reading goes on when `wanted` is below what is held or beyond the end; undefined when it is in range. Beyond
 * the end the log has lost its tail, and all it holds may be new: it is read from its beginning.
 */
export function correctedOffset(wanted: number, held: Fetched): number | undefined {
  return wanted < held.startOffset || wanted > held.endOffset ? held.startOffset : undefined;
}

/**
 * Waiting between looks at an idle log: 10 ms, doubling, from the start again once something came. Where appends are heard
 * the looks are only for what was not heard.
 */
export class IdleBackoff {
  readonly #bell: Pick<Bell, 'listening'>;
  #delayMs = 10;

  constructor(bell: Pick<Bell, 'listening'>) {
    this.#bell = bell;
  }

  reset(): void {
    this.#delayMs = 10;
  }

  next(): number {
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(delayMs * 2, this.#bell.listening ? 1_000 : 100);
    return delayMs;
  }
}
