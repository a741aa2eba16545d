import { expect, test } from 'vitest';
import { tradingModelRun } from './trading-model.ts';

const seed = Number(process.env['TICKLAKE_TEST_SEED'] ?? Date.now() % 1_000_000);
const runs = Number(process.env['TICKLAKE_TEST_DURABLE_SEQUENCES'] ?? 40);

test(
  'whatever breaks amid what two writers do at once, they do what the model does, once, and the books are right',
  { timeout: 300_000 + runs * 10_000 },
  async () => {
    const { problems, figures, sequences } = await tradingModelRun({ runs, seed });
    expect(problems).toEqual([]);
    expect(sequences).toBe(runs);
    // A proof of something.
    for (const type of ['order_accepted', 'order_filled', 'order_canceled', 'order_rejected', 'withdrawn'])
      expect(figures.events[type], type).toBeGreaterThan(0);
    expect(figures.unanswered['COMMIT_UNKNOWN']).toBeGreaterThan(0);
  },
);
