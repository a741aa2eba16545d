import { expect, it } from 'vitest';
import { WeightLimit } from '#core/exchanges/simulator/weight.ts';

const minute = 60_000;

it('counts by the minute, asks to wait over the limit, and says until when', () => {
  const weight = new WeightLimit(100);
  expect(weight.take(60, 10_000)).toEqual({ kind: 'ok', used: 60 });
  expect(weight.take(40, 10_000)).toEqual({ kind: 'ok', used: 100 });
  expect(weight.take(1, 10_000)).toEqual({ kind: 'wait', used: 101, retryAfterS: 50 });
  expect(weight.take(40, minute)).toEqual({ kind: 'ok', used: 40 });
});

it('bans who goes on, the second time for longer', () => {
  const weight = new WeightLimit(1);
  const insist = (nowMs: number) => Array.from({ length: 30 }, () => weight.take(1, nowMs)).at(-1);
  expect(insist(0)).toMatchObject({ kind: 'banned', retryAfterS: 120, untilMs: 2 * minute });
  expect(weight.take(1, 2 * minute - 1)).toMatchObject({ kind: 'banned' });
  expect(weight.take(1, 2 * minute)).toMatchObject({ kind: 'ok' });
  expect(insist(2 * minute)).toMatchObject({ kind: 'banned', retryAfterS: 240 });
});
