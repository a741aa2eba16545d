import { expect, it } from 'vitest';
import { Watermarks } from '#pipelines/stream-bars/watermark.ts';

const log = (...ends: number[]) => ({
  incarnation: 'one',
  partitions: ends.map((endOffset, partition) => ({ partition, startOffset: 0, endOffset })),
});
const at = (...offsets: number[]) => new Map(offsets.map((offset, partition) => [partition, offset]));

it('believes a time when all that was in the log a while later has been taken', async () => {
  const marks = new Watermarks(1_000);
  marks.observe('venue', 5_000_000);
  await marks.advance(0, at(3, 7), () => Promise.resolve(log(3, 7)));
  expect(marks.current.get('venue')).toBeUndefined();
  // The log has grown meanwhile: what is behind must be taken first.
  await marks.advance(1_000, at(3, 7), () => Promise.resolve(log(3, 9)));
  expect(marks.current.get('venue')).toBeUndefined();
  await marks.advance(1_200, at(3, 8), () => Promise.reject(new Error('the ends are known')));
  expect(marks.current.get('venue')).toBeUndefined();
  await marks.advance(1_300, at(3, 9), () => Promise.reject(new Error('the ends are known')));
  expect(marks.current.get('venue')).toBe(5_000_000);
});

it('believes no time that was seen after it began to wait, and never goes back', async () => {
  const marks = new Watermarks(1_000);
  marks.observe('venue', 5_000_000);
  await marks.advance(0, at(1), () => Promise.resolve(log(1)));
  marks.observe('venue', 9_000_000);
  marks.observe('venue', 1_000_000);
  await marks.advance(1_000, at(1), () => Promise.resolve(log(1)));
  expect(marks.current.get('venue')).toBe(5_000_000);
  await marks.advance(1_000, at(1), () => Promise.resolve(log(1)));
  await marks.advance(2_000, at(1), () => Promise.resolve(log(1)));
  expect(marks.current.get('venue')).toBe(9_000_000);
});

it('waits for the partitions that are ours alone, and keeps venues apart', async () => {
  const marks = new Watermarks(0);
  marks.observe('one', 5);
  marks.observe('other', 7);
  await marks.advance(0, new Map([[1, 4]]), () => Promise.resolve(log(1_000, 4)));
  expect([...marks.current]).toEqual([
    ['one', 5],
    ['other', 7],
  ]);
});
