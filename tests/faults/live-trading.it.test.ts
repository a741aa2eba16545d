import { expect, test } from 'vitest';
import { liveTradingRun, problemsOf } from './live-trading.ts';

const seed = Number(process.env['TICKLAKE_TEST_SEED'] ?? Date.now() % 1_000_000);

test(
  `three kills under live orders leave the portfolio with what the exchange has (seed ${seed})`,
  { timeout: 900_000 },
  async () => {
    const result = await liveTradingRun({ kills: 3, seed });
    expect(problemsOf(result), [...result.story, JSON.stringify(result.figures)].join('\n')).toEqual([]);
  },
);
