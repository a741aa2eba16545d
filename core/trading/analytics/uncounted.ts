import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { parseEvent } from '../codec.ts';
import type { EventOfPortfolio } from './figures.ts';
import type { Whose } from './steps.ts';

export interface OwnedEvent extends EventOfPortfolio {
  userId: string;
}

const eventsMax = 20_000;
const uncountedSql = sqlFile(import.meta.url, 'sql/uncounted.sql');

/**
 * Events that the figures do not count yet, of any portfolio those of one before the other in their order; few where the role
 * `events` runs. @throws UNAVAILABLE where they are too many to be added while somebody waits
 */
export async function readUncounted(
  db: Pick<Transaction, 'query'>,
  { userId, portfolioId }: Whose,
): Promise<OwnedEvent[]> {
  const { rows } = await db.query<{ userId: string; body: string }>(uncountedSql, [
    ...[userId ?? null, portfolioId ?? null, eventsMax + 1],
  ]);
  if (rows.length > eventsMax)
    throw new TicklakeError('UNAVAILABLE', `more than ${eventsMax} events are not counted yet`, {
      remedy: 'See that the role `events` runs (`ticklake run events`), and ask again when it has caught up.',
    });
  return rows.map(({ userId: owner, body }) => ({ userId: owner, ...parseEvent(body) }));
}
