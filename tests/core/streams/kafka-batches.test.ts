import type { KafkaMessage } from 'kafkajs';
import { expect, it } from 'vitest';
import { toBatches } from '#core/streams/kafka-batches.ts';

const assignment = { topic: 't', partition: 3, incarnation: 'i' };

it('ends a batch before every hole in the offsets', () => {
  const batches = toBatches(
    assignment,
    [5, 6, 7, 9, 12, 13].map((offset) => message(offset)),
    1_000,
  );
  expect(batches.map(({ baseOffset, count }) => [baseOffset, count])).toEqual([
    [5, 3],
    [9, 1],
    [12, 2],
  ]);
  expect(batches[0]).toMatchObject(assignment);
  expect(batches[0]?.lines.toString()).toBe('{"o":5}\n{"o":6}\n{"o":7}\n');
});

it('ends a batch at the bound of bytes, but not before its first message', () => {
  const batches = toBatches(
    assignment,
    [0, 1, 2, 3].map((offset) => message(offset)),
    14,
  );
  expect(batches.map(({ baseOffset, count }) => [baseOffset, count])).toEqual([
    [0, 2],
    [2, 2],
  ]);
  expect(toBatches(assignment, [message(0), message(1)], 1)).toHaveLength(2);
});

it('keeps one line for each message, whatever was written', () => {
  const values = [
    null,
    Buffer.from(''),
    Buffer.from('   '),
    Buffer.from('a\nb'),
    Buffer.from('{"a":\r1}'),
    Buffer.from('é'),
  ];
  const [batch] = toBatches(
    assignment,
    values.map((value, offset) => ({ ...message(offset), value })),
    1_000,
  );
  const lines = batch?.lines.toString().split('\n');
  expect(lines).toEqual([
    '{"raw":"","reason":"value is empty"}',
    '{"raw":"","reason":"value is empty"}',
    '{"raw":"   ","reason":"value is empty"}',
    '{"raw":"a\\nb","reason":"value holds a line break"}',
    '{"raw":"{\\"a\\":\\r1}","reason":"value holds a line break"}',
    'é',
    '',
  ]);
});

it('makes nothing of nothing', () => {
  expect(toBatches(assignment, [], 1_000)).toEqual([]);
});

function message(offset: number): KafkaMessage {
  const value = Buffer.from(`{"o":${offset}}`);
  return { key: null, value, timestamp: '0', attributes: 0, offset: String(offset), headers: {} };
}
