import type { Transaction } from '#core/platform/postgres/database.ts';
import type { EventConsumer } from '../deliver-events/consumer.ts';
import { exportedLine } from './line.ts';
import type { Pseudonym } from './pseudonyms.ts';

/** Puts what has happened to orders where the job `publish-orders` brings it to the lake from, under pseudonyms. */
export function orderExport(pseudonym: Pseudonym): EventConsumer {
  return {
    name: 'order-export',
    async handle(events, tx) {
      const users = await usersOf(tx, [...new Set(events.map(({ portfolioId }) => portfolioId))]);
      const lines = events.flatMap(({ portfolioId, event }) => {
        const userId = users.get(portfolioId) ?? '';
        return exportedLine({ portfolioId, userId }, event, pseudonym) ?? [];
      });
      if (lines.length === 0) return;
      await tx.query('insert into exports.order_events (line) select unnest($1::text[])', [lines]);
    },
  };
}

async function usersOf(tx: Transaction, portfolioIds: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await tx.query<{ portfolioId: string; userId: string }>(
    `select portfolio_id as "portfolioId", user_id as "userId" from trading.portfolios where portfolio_id = any($1)`,
    [portfolioIds],
  );
  return new Map(rows.map(({ portfolioId, userId }) => [portfolioId, userId]));
}
