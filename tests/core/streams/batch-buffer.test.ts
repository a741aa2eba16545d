import { expect, it } from 'vitest';
import { BatchBuffer } from '#core/streams/batch-buffer.ts';
import type { LogBatch } from '#core/streams/event-log.ts';

it('gives batches in order, within the bytes asked for but at least one', async () => {
  const buffer = new BatchBuffer(1_000);
  for (const n of [0, 1, 2]) buffer.push(batch(n, 0, 100));
  expect((await buffer.take(0, 250)).map((of) => of.baseOffset)).toEqual([0, 1]);
  expect((await buffer.take(0, 1)).map((of) => of.baseOffset)).toEqual([2]);
  expect(await buffer.take(0, 1)).toEqual([]);
});

it('wakes the caller that waits, and the fetcher when there is room', async () => {
  const buffer = new BatchBuffer(100);
  const taken = buffer.take(60_000, 1_000);
  buffer.push(batch(0, 0, 150));
  const room = buffer.waitForRoom();
  expect(buffer.room).toBe(-50);
  expect(await taken).toHaveLength(1);
  await room;
  expect(buffer.room).toBe(100);
});

it('forgets what is dropped, and everything when closed', async () => {
  const buffer = new BatchBuffer(100);
  buffer.push(batch(0, 0, 80));
  buffer.push(batch(0, 1, 80));
  buffer.drop((of) => of.partition === 0);
  expect((await buffer.take(0, 1_000)).map((of) => of.partition)).toEqual([1]);
  buffer.push(batch(1, 1, 200));
  const room = buffer.waitForRoom();
  buffer.close();
  await room;
  expect(await buffer.take(60_000, 1_000)).toEqual([]);
  buffer.push(batch(2, 1, 1));
  expect(buffer.room).toBe(100);
});

function batch(baseOffset: number, partition: number, bytes: number): LogBatch {
  return { topic: 't', partition, incarnation: 'i', baseOffset, count: 1, lines: Buffer.alloc(bytes) };
}
