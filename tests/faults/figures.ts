import { randomUUID } from 'node:crypto';
import { figures } from '#pipelines/aggregate-trading/consumer.ts';
import { deliver } from '#pipelines/deliver-events/deliver.ts';
import { openTestTrading } from '#tests/core/trading/support.ts';
import { compareFigures } from '#tests/pipelines/aggregate-trading/compare.ts';
import {
  eventsOf,
  feesWriter,
  tradeAtRandom,
  type Traded,
} from '#tests/pipelines/aggregate-trading/history.ts';
import { randomOf } from './random.ts';

export interface FiguresRun {
  runs: number;
  seed: number;
  say: (line: string) => void;
}

/**
 * Random trading of three portfolios of two users, again and again: whatever part of it is counted, and handed on twice, what is
 * read of figures is what a slow recomputation from the events comes to.
 */
export async function figuresRun({ runs, seed, say }: FiguresRun) {
  const random = randomOf(seed);
  const problems: string[] = [];
  const counts = { runs, events: 0, comparisons: 0 };
  for (let run = 0; run < runs; run += 1) {
    const trading = await openTestTrading();
    const { database } = trading;
    try {
      const writer = feesWriter(database);
      const [anna, bert] = [randomUUID(), randomUUID()];
      const portfolios: Traded[] = [];
      for (const userId of [anna, anna, bert])
        portfolios.push(
          await tradeAtRandom(writer, userId, {
            seed: Math.floor(random() * 1e9),
            count: 20 + Math.floor(random() * 80),
          }),
        );
      await writer.close();
      const byPortfolio = await Promise.all(
        portfolios.map(({ portfolioId }) => eventsOf(database, portfolioId)),
      );
      const events = byPortfolio.flat();
      counts.events += events.length;
      for (const share of [random() * 0.5, 0.5 + random() * 0.5, 1]) {
        for (const own of byPortfolio) {
          const given = own.slice(0, Math.floor(own.length * (share === 1 ? 1 : share * random())));
          if (given.length > 0) await deliver(database, figures(), given);
        }
        const { comparisons, differences } = await compareFigures(database, { portfolios, events });
        counts.comparisons += comparisons;
        problems.push(...differences.map((difference) => `run ${run}: ${difference}`));
      }
      say(`run ${run + 1} of ${runs}: ${events.length} events, ${problems.length} problems`);
    } finally {
      await trading.close();
    }
  }
  return { problems, ...counts };
}
