import { expect, test } from 'vitest';
import { backfillCrashRun } from './backfill-crash.ts';

const seed = Number(process.env['TICKLAKE_TEST_SEED'] ?? Date.now() % 1_000_000);

test('five kills on the way from an empty lake to a complete one', { timeout: 400_000 }, async () => {
  const options = { kills: 5, seed, top: 8, dailyDays: 1_095, minuteDays: 2, rate: 0.05 };
  const { problems, story } = await backfillCrashRun(options);
  expect(problems, story.join('\n')).toEqual([]);
});
