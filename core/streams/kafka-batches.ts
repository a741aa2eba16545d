import type { KafkaMessage } from 'kafkajs';
import type { Assignment, LogBatch } from './event-log.ts';
import { toLine } from './lines.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Messages of one partition, ascending by offset, as batches that end before every hole in the offsets, and at
 * `maxBytes` of values (at least one message each).
 */
export function toBatches(of: Assignment, messages: readonly KafkaMessage[], maxBytes: number): LogBatch[] {
  const batches: LogBatch[] = [];
  let start = 0;
  let bytes = 0;
  messages.forEach((message, index) => {
    bytes += message.value?.length ?? 0;
    const next = messages[index + 1];
    const goesOn = next !== undefined && Number(next.offset) === Number(message.offset) + 1;
    if (goesOn && bytes + (next.value?.length ?? 0) <= maxBytes) return;
    const run = messages.slice(start, index + 1);
    batches.push({ ...of, baseOffset: Number(run[0]?.offset), count: run.length, lines: joinLines(run) });
    start = index + 1;
    bytes = 0;
  });
  return batches;
}

function joinLines(messages: readonly KafkaMessage[]): Buffer {
  const values = messages.map((message) => asOneLine(message.value));
  const lines = Buffer.allocUnsafe(values.reduce((sum, value) => sum + value.length + 1, 0));
  let at = 0;
  for (const value of values) {
    at += value.copy(lines, at);
    at = lines.writeUInt8(lineFeed, at);
  }
  return lines;
}

function asOneLine(value: Buffer | null): Buffer {
  const isLine =
    value !== null && value.length > 1 && !value.includes(lineFeed) && !value.includes(carriageReturn);
  if (isLine && value[0] === 0x7b) return value;
  return Buffer.from(toLine(value?.toString('utf8') ?? '').slice(0, -1));
}
