import { expect, test } from 'vitest';
import { tradingCrashRun } from './trading.ts';

const seed = Number(process.env['TICKLAKE_TEST_SEED'] ?? Date.now() % 1_000_000);

test('ten kills at random instants lose no order, and fill none twice', { timeout: 900_000 }, async () => {
  const { problems, story, figures } = await tradingCrashRun({ kills: 10, seed, speed: 20 });
  expect(problems, [...story, JSON.stringify(figures)].join('\n')).toEqual([]);
});
