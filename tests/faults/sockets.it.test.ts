import { expect, test } from 'vitest';
import { socketsRun } from './sockets.ts';

test('clients that come and go at random at two APIs are told each event of an order once, in order', async () => {
  const seed = Number(process.env['TICKLAKE_TEST_SEED'] ?? Date.now() % 1_000_000);
  const sizes = { clients: 60, reconnects: 300, kills: 1, lifeMs: 1_500, commandsPerSecond: 100 };
  const { problems, figures } = await socketsRun({ ...sizes, seed });
  expect(problems, `seed ${seed}`).toEqual([]);
  expect(figures.reconnects).toBeGreaterThanOrEqual(sizes.reconnects);
  expect(figures.told).toBeGreaterThan(0);
}, 240_000);
