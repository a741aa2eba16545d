import type { Transaction } from '#core/platform/postgres/database.ts';
import { TicklakeError } from '#core/platform/errors.ts';

/** Ids [lo, hi) of one listing, or for bars open times in microseconds up to the open time after the last. */
export interface IdRange {
  source: string;
  listing: string;
  /** Of bars. */
  interval?: string;
  lo: number;
  hi: number;
}

/** First and last id of one listing on one UTC day (`YYYY-MM-DD`). */
export interface TapeDay {
  source: string;
  listing: string;
  day: string;
  firstId: number;
  lastId: number;
}

/** Ids that are not held, and why. */
export interface Explanation extends IdRange {
  cause: string;
  detail: string;
}

interface Queries {
  query: Transaction['query'];
}

/**
 * Adds ranges to what is held of a table. The caller holds the table's lock.
 * @throws COVERAGE_OVERLAP when some of it is held already: the caller's transaction must roll back.
 */
export async function extendCoverage(
  tx: Transaction,
  table: string,
  added: readonly IdRange[],
): Promise<void> {
  if (added.length === 0) return;
  const { rows } = await tx.query<{ overlapping: number }>(
    'select lake.extend_coverage($1, $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) as overlapping',
    [table, ...rangeColumns(added)],
  );
  const overlaps = rows[0]?.overlapping ?? 0;
  if (overlaps > 0) {
    throw new TicklakeError(
      'COVERAGE_OVERLAP',
      `${overlaps} of ${added.length} ranges of ${table} are held already`,
    );
  }
}

/**
 * Takes ranges out of what is held of a table. The caller holds the table's lock.
 * @throws DATA_CORRUPT when some of it is not held: the caller's transaction must roll back.
 */
export async function shrinkCoverage(
  tx: Transaction,
  table: string,
  removed: readonly IdRange[],
): Promise<void> {
  if (removed.length === 0) return;
  const { rows } = await tx.query<{ missing: number }>(
    'select lake.shrink_coverage($1, $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) as missing',
    [table, ...rangeColumns(removed)],
  );
  const missing = rows[0]?.missing ?? 0;
  if (missing > 0) {
    throw new TicklakeError(
      'DATA_CORRUPT',
      `${missing} of ${removed.length} ranges of ${table} are not held`,
      {
        remedy: `\`ticklake lake verify ${table}\` says where ledger and files differ.`,
      },
    );
  }
}

/** Ranges as columns for unnest: sources, listings, intervals, first and one past the last. */
function rangeColumns(ranges: readonly IdRange[]): unknown[] {
  return [
    ranges.map((range) => range.source),
    ranges.map((range) => range.listing),
    ranges.map((range) => range.interval ?? ''),
    ranges.map((range) => range.lo),
    ranges.map((range) => range.hi),
  ];
}

/** Says why ids are not held; those that are held stay as they are. */
export async function explainIds(
  tx: Queries,
  table: string,
  explained: readonly Explanation[],
): Promise<void> {
  if (explained.length === 0) return;
  await tx.query(
    `select lake.explain($1, t.source, t.listing, t.iv, t.lo, t.hi, t.cause, t.detail)
       from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[])
         as t(source, listing, iv, lo, hi, cause, detail)`,
    [
      table,
      ...rangeColumns(explained),
      explained.map((range) => range.cause),
      explained.map((range) => range.detail),
    ],
  );
}

/** Widens the first and last id of days. */
export async function widenTapeDays(tx: Transaction, table: string, days: readonly TapeDay[]): Promise<void> {
  if (days.length === 0) return;
  await tx.query(
    `insert into lake.tape_days as held (table_name, source, listing, day, first_id, last_id)
     select $1, t.* from unnest($2::text[], $3::text[], $4::date[], $5::bigint[], $6::bigint[])
       as t(source, listing, day, first_id, last_id)
     on conflict (table_name, source, listing, day) do update
       set first_id = least(held.first_id, excluded.first_id), last_id = greatest(held.last_id, excluded.last_id)`,
    [
      table,
      days.map((day) => day.source),
      days.map((day) => day.listing),
      days.map((day) => day.day),
      days.map((day) => day.firstId),
      days.map((day) => day.lastId),
    ],
  );
}

/** Held ranges that overlap the spans asked for. */
export async function heldWithin(db: Queries, table: string, spans: readonly IdRange[]): Promise<IdRange[]> {
  if (spans.length === 0) return [];
  const { rows } = await db.query<IdRange>(
    `select c.source, c.listing, c.lo, c.hi, c."interval"
       from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) as span(source, listing, iv, lo, hi)
       join lake.coverage c on c.table_name = $1 and c.source = span.source and c.listing = span.listing
        and c."interval" = span.iv and c.lo < span.hi and c.hi > span.lo`,
    [table, ...rangeColumns(spans)],
  );
  return rows;
}
