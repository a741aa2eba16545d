import { expect, test } from 'vitest';
import { crashRun } from './crash.ts';

test('ten kills at random instants lose no trade and double none', { timeout: 300_000 }, async () => {
  const seed = Number(process.env['TICKLAKE_TEST_SEED'] ?? Date.now() % 1_000_000);
  const lines: string[] = [`seed ${seed}`];
  const { report, listings } = await crashRun({
    kills: 10,
    seed,
    speed: 60,
    say: (line) => lines.push(line),
  });
  const story = lines.join('\n');
  expect(report['missing'], story).toBe(0);
  expect(report['committedFromStream'], story).toBeGreaterThan(0);
  expect(report['tradesReceived'], story).toBe(
    (report['committedFromStream'] ?? 0) + (report['duplicatesDropped'] ?? 0) + (report['deadLetters'] ?? 0),
  );
  expect(listings.length, story).toBe(10);
  expect(
    listings.filter((listing) => !listing.ok || listing.duplicates > 0 || listing.missing > 0),
    story,
  ).toEqual([]);
});
