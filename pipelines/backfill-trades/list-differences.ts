import { symbolOf } from '#core/lake/ledger.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';

/** A run of trades of which another source says otherwise than what is held. */
export interface ListedDifference {
  table: string;
  source: string;
  listing: string;
  symbol: string;
  /** Ids, half-open, and how many of them differ. */
  from: number;
  to: number;
  count: number;
  /** The first of the run as it is held, and as the other source has it. */
  held: Record<string, unknown> | null;
  found: Record<string, unknown>;
  /** A file of the archive, with the SHA-256 of its zip, or `rest`. */
  origin: string;
  sha256: string;
  /** RFC 3339. */
  notedAt: string;
}

const differencesMax = 10_000;

/** What was found to differ from what is held, the newest first; at most 10,000 runs. */
export async function listDifferences(
  db: Pick<Transaction, 'query'>,
  { source, symbols }: { source?: string; symbols?: readonly string[] } = {},
): Promise<ListedDifference[]> {
  const { rows } = await db.query<Omit<ListedDifference, 'symbol' | 'notedAt'> & { notedAt: Date }>(
    `select table_name as table, source, listing, lo as "from", hi as "to", keys as count, held, found, origin, sha256,
            noted_at as "notedAt"
       from lake.differences
      where ($1::text is null or source = $1)
        and ($2::text[] is null or regexp_replace(listing, '#[0-9]+$', '') = any($2))
      order by noted_at desc, source, listing, lo limit ${differencesMax}`,
    [source ?? null, symbols ?? null],
  );
  return rows.map((row) => ({
    ...row,
    symbol: symbolOf(row.listing),
    notedAt: new Date(row.notedAt).toISOString(),
  }));
}
