import type { LogRecord } from './event-log.ts';
import { partitionOf } from './partitioner.ts';

const lineFeed = 0x0a;

/** Records of one partition as lines, each ended by a line feed. */
export interface PartitionLines {
  partition: number;
  count: number;
  lines: string;
}

/** Splits records by partition, ascending, each partition's records in their order. */
export function linesByPartition(records: readonly LogRecord[], partitions: number): PartitionLines[] {
  const byPartition = new Map<number, PartitionLines>();
  for (const record of records) {
    const partition = partitionOf(record.key, partitions);
    let lines = byPartition.get(partition);
    if (lines === undefined) byPartition.set(partition, (lines = { partition, count: 0, lines: '' }));
    lines.lines += toLine(record.value);
    lines.count += 1;
  }
  return [...byPartition.values()].sort((a, b) => a.partition - b.partition);
}

/**
 * The value as exactly one non-blank line, ended by a line feed: a reader of lines must count as many records as
 * the log does, so a value it would count otherwise becomes `{"raw","reason"}`.
 */
export function toLine(value: string): string {
  if (value.length > 0 && !/^\s*$|[\r\n]/.test(value)) return value + '\n';
  const reason = /[\r\n]/.test(value) ? 'value holds a line break' : 'value is empty';
  return `${JSON.stringify({ raw: value.slice(0, 4096), reason })}\n`;
}

/** The lines without the first `skip`. */
export function dropLines(lines: Buffer, skip: number): Buffer {
  let at = 0;
  for (let dropped = 0; dropped < skip; dropped += 1) {
    const end = lines.indexOf(lineFeed, at);
    if (end < 0) return lines.subarray(lines.length);
    at = end + 1;
  }
  return lines.subarray(at);
}
