import { expect, test } from 'vitest';
import { progressLine, startProgress } from '#cli/progress.ts';
import { collector } from './support.ts';

test.each([
  [{ done: 1_200, total: 5_200, elapsedMs: 3_000 }, '1,200 of 5,200 trades, 400/s, 10 s left'],
  [{ done: 1_200, total: undefined, elapsedMs: 3_000 }, '1,200 trades, 400/s'],
  [{ done: 0, total: 10, elapsedMs: 1_000 }, '0 of 10 trades'],
  [{ done: 10, total: 10, elapsedMs: 4_000 }, '10 of 10 trades, 2.5/s'],
  [{ done: 0, total: undefined, elapsedMs: 0 }, '0 trades'],
])('%j', (at, line) => {
  expect(progressLine({ what: 'trades', ...at })).toBe(line);
});

test('without a terminal a line comes when it is due, and at the end', () => {
  const stderr = collector();
  let atMs = 0;
  const progress = startProgress({
    what: 'tasks',
    stream: stderr.stream,
    total: 4,
    everyMs: 1_000,
    nowMs: () => atMs,
  });
  progress.update(1);
  atMs = 1_000;
  progress.update(2);
  atMs = 1_500;
  progress.update(3, 6);
  progress.stop();
  expect(stderr.text()).toBe('2 of 4 tasks, 2/s, 1 s left\n3 of 6 tasks, 2/s, 1.5 s left\n');
});

test('what was done before is no part of the rate, and there may be more to say', () => {
  const stderr = collector();
  let atMs = 0;
  const progress = startProgress({
    ...{ what: 'tasks', stream: stderr.stream, doneBefore: 10, total: 20, everyMs: 1_000 },
    nowMs: () => atMs,
  });
  atMs = 1_000;
  progress.update(12, undefined, '1 failed');
  expect(stderr.text()).toBe('12 of 20 tasks, 2/s, 4 s left, 1 failed\n');
});
