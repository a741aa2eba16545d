import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Moment } from './moment.ts';
import { merged, put, take, type Range } from './ranges.ts';

export interface RangesFilter {
  source?: string;
  symbol?: string;
  /** Of bars; '' for ids. */
  interval?: string;
}

/** What the ledger knows of one listing, each a list of ranges. */
export interface KnownRanges {
  table: string;
  source: string;
  listing: string;
  /** Of bars; '' for ids. */
  interval: string;
  held: Range[];
  explained: Range[];
  wanted: Range[];
}

type Reader = Pick<Transaction, 'query'>;

interface KnownRow extends Range {
  kind: 'held' | 'explained' | 'wanted';
  table: string;
  source: string;
  listing: string;
  interval: string;
}

interface CommitRow extends Range {
  source: string;
  listing: string;
  interval: string;
  is_added: boolean;
}

const knownSql = sqlFile(import.meta.url, './sql/known-ranges.sql');
const commitRangesSql = sqlFile(import.meta.url, './sql/commit-ranges.sql');
const commitsPerStep = 2_000;
const commitsMax = 500_000;

/**
 * What was held and explained at these moments, and what is wanted, by listing. An earlier moment is told from the ledger
 * of commits: those since are undone, or those up to it are done, whichever are fewer. To be read in one snapshot of
 * Postgres.
 * @throws BAD_REQUEST when too many commits lie between the moment and both ends.
 */
export async function knownRanges(
  db: Reader,
  moments: readonly Moment[],
  filter: RangesFilter = {},
): Promise<KnownRanges[]> {
  const { rows } = await db.query<KnownRow>(knownSql, [
    moments.map(({ table }) => table),
    ...[filter.source ?? null, filter.symbol ?? null, filter.interval ?? null],
    moments.map(({ explainedUntil }) => explainedUntil),
  ]);
  const listings = new Map<string, KnownRanges>();
  const listingOf = (of: Omit<KnownRow, 'kind' | 'lo' | 'hi'>): KnownRanges => {
    const { table, source, listing, interval } = of;
    const key = [table, source, listing, interval].join('\t');
    const known = listings.get(key) ?? {
      table,
      source,
      listing,
      interval,
      held: [],
      explained: [],
      wanted: [],
    };
    listings.set(key, known);
    return known;
  };
  for (const [of, all] of Map.groupBy(rows, listingOf)) {
    for (const kind of ['held', 'explained', 'wanted'] as const) {
      of[kind] = merged(all.filter((row) => row.kind === kind));
    }
  }
  for (const moment of moments) await travel(db, moment, filter, listings, listingOf);
  return [...listings].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, known]) => known);
}

/** Brings what is held of a table from now to the moment. */
async function travel(
  db: Reader,
  moment: Moment,
  filter: RangesFilter,
  listings: ReadonlyMap<string, KnownRanges>,
  listingOf: (of: Omit<KnownRow, 'kind' | 'lo' | 'hi'>) => KnownRanges,
): Promise<void> {
  const { table, seq } = moment;
  if (moment.explainedUntil === null) return;
  const { rows } = await db.query<{ before: number; after: number; newest: number }>(
    `select count(*) filter (where seq <= $2) as before, count(*) filter (where seq > $2) as after,
            coalesce(max(seq), 0) as newest
       from lake.commits where table_name = $1`,
    [table, seq],
  );
  const { before, after, newest } = rows[0] ?? { before: 0, after: 0, newest: 0 };
  const back = after <= before;
  if (Math.min(before, after) > commitsMax) {
    throw new TicklakeError(
      'BAD_REQUEST',
      `${before} commits of ${table} lie before that moment and ${after} after it`,
      {
        remedy: `Choose one with at most ${commitsMax} on one side.`,
      },
    );
  }
  if (!back) for (const known of listings.values()) if (known.table === table) known.held = [];
  for (const [from, to] of steps(back ? seq : 0, back ? newest : seq, back)) {
    const { rows: changes } = await db.query<CommitRow>(commitRangesSql, [
      ...[table, from, to],
      ...[filter.source ?? null, filter.symbol ?? null, filter.interval ?? null, back],
    ]);
    for (const { is_added: isAdded, lo, hi, ...of } of changes) {
      const { held } = listingOf({ table, ...of });
      if (isAdded === back) take(held, { lo, hi });
      else put(held, { lo, hi });
    }
  }
}

/** Parts of (from, to], the last one first where it goes back. */
function steps(from: number, to: number, back: boolean): [from: number, to: number][] {
  const parts: [number, number][] = [];
  for (let at = from; at < to; at += commitsPerStep) parts.push([at, Math.min(to, at + commitsPerStep)]);
  return back ? parts.reverse() : parts;
}
