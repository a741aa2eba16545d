import { expect, test } from 'vitest';
import { liveOrdersRun } from './live-orders.ts';

const seed = Number(process.env['TICKLAKE_TEST_SEED'] ?? Date.now() % 1_000_000);

test(`a process that places orders is killed anywhere: each ends, and is booked once (seed ${seed})`, async () => {
  const { problems, figures } = await liveOrdersRun({ kills: 3, seed });
  expect(problems).toEqual([]);
  expect(figures.accepted).toBeGreaterThan(0);
  expect(figures.unanswered).toBeGreaterThan(0);
}, 240_000);
