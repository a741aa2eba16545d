import { expect, test } from 'vitest';
import { batchStreamRun } from './batch-stream.ts';

test('indicators at each close are those of a batch over the same day', { timeout: 120_000 }, async () => {
  const { rows, unlike, worst } = await batchStreamRun({ symbols: 20, minutes: 1_440, oneByOne: 60 });
  // The newest bar is open still.
  expect(rows).toBe(20 * 60);
  expect(unlike).toBe(0);
  expect(worst).toBeLessThan(1e-12);
});
