/**
 * A process with a writer of its own: `node placer.ts DATABASE_URL`. It places the orders it is told to, all at once, and
 * says of those with keys what each was answered, of the others how many were accepted.
 */
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase } from '#core/platform/postgres/database.ts';
import { openTradingWriter } from '#core/trading/writer.ts';
import { logger, placement, surroundings } from './support.ts';

export interface PlacerTask {
  portfolioId: string;
  count?: number;
  keys?: string[];
}

export interface PlacerAnswer {
  accepted: number;
  rejected: number;
}

const metrics = new Metrics();
const url = process.argv[2] ?? '';
const database = openDatabase({ url, applicationName: 'placer', logger, metrics });
const writer = openTradingWriter({ database, surroundings, metrics });

process.on('message', (task: PlacerTask) => void place(task));
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function place({ portfolioId, count = 0, keys = [] }: PlacerTask): Promise<void> {
  const placed = await Promise.all(
    Array.from({ length: count }, () => writer.submit(placement(portfolioId))),
  );
  const accepted = placed.filter(({ events }) => events[0]?.type === 'order_accepted').length;
  if (count > 0) process.send?.({ accepted, rejected: count - accepted } satisfies PlacerAnswer);
  for (const key of keys) {
    void writer.submit(placement(portfolioId), { key, bodyHash: 'same' }).then(({ events }) => {
      const shown = JSON.stringify(events.map(({ number, atUs }) => [number, atUs]));
      process.send?.({ key, events: shown });
    });
  }
}
