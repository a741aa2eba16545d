import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { parseEvent } from '#core/trading/codec.ts';
import { readEvents } from '#core/trading/read.ts';
import type { DeliveredEvent, EventConsumer } from './consumer.ts';

export interface Delivered {
  /** Events that the consumer was given. */
  count: number;
  /** Portfolios of which events before these are missing: see {@link deliverStored}. */
  behind: string[];
}

const pageEvents = 500;

/**
 * Gives a consumer those of the events that it was not given before, in one transaction with its progress. The numbers
 * decide: a repeated event is left out, and one that comes before its turn waits for those before it.
 */
export async function deliver(
  database: Database,
  consumer: EventConsumer,
  events: readonly DeliveredEvent[],
): Promise<Delivered> {
  const byPortfolio = Map.groupBy(events, ({ portfolioId }) => portfolioId);
  return await database.transaction(async (tx) => {
    const progress = await lockProgress(tx, consumer.name, [...byPortfolio.keys()]);
    const next = new Map(progress);
    const behind = new Set<string>();
    const due = events.filter(({ portfolioId, event: { number } }) => {
      const last = next.get(portfolioId) ?? 0;
      if (number > last + 1) behind.add(portfolioId);
      if (number !== last + 1) return false;
      next.set(portfolioId, number);
      return true;
    });
    await hand(tx, consumer, due, next);
    return { count: due.length, behind: [...behind] };
  });
}

/** Gives a consumer all events of a portfolio that it was not given yet, as Postgres has them; how many they were. */
export async function deliverStored(
  database: Database,
  consumer: EventConsumer,
  portfolioId: string,
): Promise<number> {
  for (let total = 0; ;) {
    const count = await database.transaction(async (tx) => {
      const progress = await lockProgress(tx, consumer.name, [portfolioId]);
      const after = progress.get(portfolioId) ?? 0;
      const page = await readEvents(tx, portfolioId, { after, limit: pageEvents });
      const events = page.map(({ text }) => parseEvent(text));
      const last = events.at(-1)?.event.number ?? after;
      await hand(tx, consumer, events, new Map([[portfolioId, last]]));
      return events.length;
    });
    total += count;
    if (count < pageEvents) return total;
  }
}

async function hand(
  tx: Transaction,
  consumer: EventConsumer,
  events: readonly DeliveredEvent[],
  progress: ReadonlyMap<string, number>,
): Promise<void> {
  if (events.length === 0) return;
  await consumer.handle(events, tx);
  await tx.query(
    `update events.progress p set number = n.number
       from unnest($2::uuid[], $3::bigint[]) as n (portfolio_id, number)
      where p.consumer = $1 and p.portfolio_id = n.portfolio_id and p.number < n.number`,
    [consumer.name, [...progress.keys()], [...progress.values()]],
  );
}

/** The numbers of the last events, which nobody else moves before the transaction ends. */
async function lockProgress(
  tx: Transaction,
  consumer: string,
  portfolioIds: readonly string[],
): Promise<Map<string, number>> {
  await tx.query(
    `insert into events.progress (consumer, portfolio_id, number)
     select $1, portfolio_id, 0 from unnest($2::uuid[]) as portfolio_id order by portfolio_id
     on conflict do nothing`,
    [consumer, portfolioIds],
  );
  const { rows } = await tx.query<{ portfolioId: string; number: number }>(
    `select portfolio_id as "portfolioId", number from events.progress
      where consumer = $1 and portfolio_id = any($2) order by portfolio_id for update`,
    [consumer, portfolioIds],
  );
  return new Map(rows.map(({ portfolioId, number }) => [portfolioId, number]));
}
