import type { Transaction } from '#core/platform/postgres/database.ts';
import type { EventConsumer } from '#pipelines/deliver-events/consumer.ts';

/** Nothing keeps a row from coming twice. */
export const notesTable = `
  create table public.notes (
    place bigint generated always as identity, consumer text not null, portfolio_id uuid not null, number bigint not null
  );
  grant select, insert on public.notes to ticklake_events`;

/** A consumer that notes what it is given. */
export function noting(name: string): EventConsumer {
  return {
    name,
    async handle(events, tx) {
      await tx.query(
        `insert into public.notes (consumer, portfolio_id, number)
         select $1, portfolio_id, number from unnest($2::uuid[], $3::bigint[]) as e (portfolio_id, number)`,
        [name, events.map(({ portfolioId }) => portfolioId), events.map(({ event }) => event.number)],
      );
    },
  };
}

/** The numbers of each portfolio's events, in the order they were noted. */
export async function notesOf(db: Transaction, consumer: string): Promise<Map<string, number[]>> {
  const { rows } = await db.query<{ portfolioId: string; number: number }>(
    'select portfolio_id as "portfolioId", number from public.notes where consumer = $1 order by place',
    [consumer],
  );
  return new Map(
    [...Map.groupBy(rows, ({ portfolioId }) => portfolioId)].map(([portfolioId, of]) => [
      portfolioId,
      of.map(({ number }) => number),
    ]),
  );
}
