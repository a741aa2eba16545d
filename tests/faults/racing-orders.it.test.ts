import { expect, test } from 'vitest';
import { racingOrdersRun } from './racing-orders.ts';

const seed = Number(process.env['TICKLAKE_TEST_SEED'] ?? Date.now() % 1_000_000);
const orders = Number(process.env['TICKLAKE_TEST_RACING_ORDERS'] ?? 10_000);

test(
  'orders that race for one balance through two APIs, one of which is killed, spend what is there once',
  { timeout: 600_000 },
  async () => {
    const { problems, figures } = await racingOrdersRun({ orders, seed });
    expect(problems, JSON.stringify(figures)).toEqual([]);
  },
);
