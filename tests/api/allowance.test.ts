import { expect, it } from 'vitest';
import { createAllowance } from '#api/allowance.ts';

const start = 1_000_000;

function ground(limit: number, keysMax = 10) {
  const clock = { atMs: start };
  return { clock, allowance: createAllowance({ limit, windowMs: 60_000, keysMax, now: () => clock.atMs }) };
}

it('gives what there is, and all of it again when the window is over', () => {
  const { clock, allowance } = ground(3);
  expect(allowance.take('a', 2)).toEqual({ isOver: false, limit: 3, remaining: 1, resetSeconds: 60 });
  clock.atMs += 30_500;
  expect(allowance.take('a', 2)).toEqual({ isOver: true, limit: 3, remaining: 1, resetSeconds: 30 });
  expect(allowance.take('a', 1)).toMatchObject({ isOver: false, remaining: 0 });
  expect(allowance.take('b', 1)).toMatchObject({ isOver: false, remaining: 2, resetSeconds: 60 });
  clock.atMs = start + 60_000;
  expect(allowance.take('a', 1)).toMatchObject({ isOver: false, remaining: 2 });
});

it('forgets who was seen longest ago, never who is seen', () => {
  const { allowance } = ground(5, 3);
  for (const stranger of ['b', 'c', 'd', 'e']) {
    allowance.take('a', 1);
    allowance.take(stranger, 1);
  }
  expect(allowance.take('a', 1)).toMatchObject({ remaining: 0 });
  expect(allowance.take('b', 1)).toMatchObject({ remaining: 4 });
});
