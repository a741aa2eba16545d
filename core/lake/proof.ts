import { intervalUs, isInterval } from '#core/market/interval.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { knownRanges, type KnownRanges, type RangesFilter } from './known-ranges.ts';
import type { Lake } from './lake.ts';
import { symbolOf } from './ledger.ts';
import { tableNamed } from './listing.ts';
import { momentsOf, type Moment } from './moment.ts';
import { common, merged, sizeWithin, without, type Range } from './ranges.ts';
import { lakeTables } from './tables.ts';

export interface ProofFilter extends RangesFilter {
  table?: string;
  /** A snapshot's id, a tag or a time instead of now. */
  asOf?: string;
}

/** How much is held of what there should be: expected = held + explained + missing. */
export interface Completeness {
  expected: number;
  held: number;
  explained: number;
  missing: number;
}

interface Listing {
  table: string;
  source: string;
  listing: string;
  symbol: string;
  /** Of bars; null for trades. */
  interval: string | null;
}

/** Ids or bars of one listing, from the first to one past the last that is expected. */
export interface ListingProof extends Listing, Completeness {
  lo: number;
  hi: number;
}

/** The same of one UTC day, `YYYY-MM-DD`. A missing id belongs to the day of its lower neighbour. */
export interface DayProof extends Listing, Completeness {
  day: string;
}

export interface Proof<T> {
  rows: T[];
  /** What the rows were reckoned from: for each table a commit and its snapshot. */
  moments: Moment[];
}

const dayUs = 86_400_000_000;

/**
 * How complete each listing is. Expected is what is held and what is wanted; where nothing is wanted, what lies between
 * the first and the last that is held. What was wanted earlier is not kept: an earlier moment is measured by what is wanted
 * now.
 * @throws NOT_FOUND for an unknown table, and when `asOf` says nothing of any.
 */
export async function proveListings(lake: Lake, filter: ProofFilter = {}): Promise<Proof<ListingProof>> {
  return await readProof(lake, filter, (_db, listings) =>
    Promise.resolve(
      listings.flatMap((known): ListingProof[] => {
        const { expected, explained, missing } = partsOf(known);
        const lo = expected[0]?.lo;
        const hi = expected.at(-1)?.hi;
        if (lo === undefined || hi === undefined) return [];
        const whole = { lo, hi };
        return [
          { ...listingOf(known), ...whole, ...countsOf(known, { expected, explained, missing }, whole) },
        ];
      }),
    ),
  );
}

/**
 * How complete each day of each listing is, in the order of listings and days; days on which nothing is expected are
 * left out. `after` is the last one of the page before.
 * @throws NOT_FOUND for an unknown table, and when `asOf` says nothing of any.
 */
export async function proveDays(
  lake: Lake,
  filter: ProofFilter & { fromDay?: string; toDay?: string; after?: DayKey; limit: number },
): Promise<Proof<DayProof>> {
  const { fromDay = '', toDay = '9999', after, limit } = filter;
  return await readProof(lake, filter, async (db, listings) => {
    const rows: DayProof[] = [];
    for (const known of listings) {
      const place = after === undefined ? 1 : compare(keyOf(known), after.key);
      if (place < 0) continue;
      const parts = partsOf(known);
      for (const { day, lo, hi } of await daysOf(db, known, parts.expected)) {
        if (day < fromDay || day >= toDay || (place === 0 && day <= (after?.day ?? ''))) continue;
        const counts = countsOf(known, parts, { lo, hi });
        if (counts.expected > 0) rows.push({ ...listingOf(known), day, ...counts });
        if (rows.length >= limit) return rows;
      }
    }
    return rows;
  });
}

/** Where a day stands in the order of {@link proveDays}. */
export interface DayKey {
  key: string;
  day: string;
}

export function dayKey({ table, source, listing, interval, day }: DayProof): DayKey {
  return { key: keyOf({ table, source, listing, interval: interval ?? '' }), day };
}

/** Ledger and commits as of one moment of Postgres. */
async function readProof<T>(
  lake: Lake,
  { table, asOf, ...filter }: ProofFilter,
  read: (db: Pick<Transaction, 'query'>, listings: KnownRanges[]) => Promise<T[]>,
): Promise<Proof<T>> {
  const tables = table === undefined ? lakeTables : [tableNamed(table)];
  return await lake.database.transaction(async (db) => {
    await db.query('set transaction isolation level repeatable read, read only');
    const moments = await momentsOf(lake, db, asOf, tables);
    return { rows: await read(db, await knownRanges(db, moments, filter)), moments };
  });
}

interface Parts {
  expected: Range[];
  explained: Range[];
  missing: Range[];
}

function partsOf({ held, explained, wanted }: KnownRanges): Parts {
  const first = held[0];
  const last = held.at(-1);
  const span = first === undefined || last === undefined ? [] : [{ lo: first.lo, hi: last.hi }];
  const expected = merged([...(wanted.length > 0 ? wanted : span), ...held]);
  const open = without(expected, held);
  return { expected, explained: common(open, explained), missing: without(open, explained) };
}

function countsOf({ held, interval }: KnownRanges, parts: Parts, { lo, hi }: Range): Completeness {
  const step = isInterval(interval) ? intervalUs(interval) : 1;
  const count = (list: readonly Range[]): number => sizeWithin(list, lo, hi) / step;
  return {
    expected: count(parts.expected),
    held: count(held),
    explained: count(parts.explained),
    missing: count(parts.missing),
  };
}

/** The UTC days of what is expected, each with its keys. */
async function daysOf(
  db: Pick<Transaction, 'query'>,
  { table, source, listing, interval }: KnownRanges,
  expected: readonly Range[],
): Promise<(Range & { day: string })[]> {
  if (interval !== '') return expected.flatMap(daysOfBars).filter(isFirstOfDay);
  const { rows } = await db.query<{ day: string; lo: number }>(
    `select day::text as day, min(lo) as lo
       from (select day, first_id as lo from lake.tape_days where table_name = $1 and source = $2 and listing = $3
             union all
             select day, lo from lake.wanted
              where table_name = $1 and source = $2 and listing = $3 and "interval" = '' and day is not null) as known
      group by day order by min(lo), day`,
    [table, source, listing],
  );
  // Ids before the first day that is known have no lower neighbour: they are that day's.
  return rows.map(({ day, lo }, index) => ({
    ...{ day, lo: index === 0 ? -Infinity : lo, hi: rows[index + 1]?.lo ?? Infinity },
  }));
}

function daysOfBars({ lo, hi }: Range): (Range & { day: string })[] {
  const first = Math.floor(lo / dayUs);
  return Array.from({ length: Math.ceil(hi / dayUs) - first }, (_, index) => {
    const from = (first + index) * dayUs;
    return { day: new Date(from / 1_000).toISOString().slice(0, 10), lo: from, hi: from + dayUs };
  });
}

/** Two ranges may end and begin on one day, which is counted whole. */
function isFirstOfDay({ day }: { day: string }, index: number, days: readonly { day: string }[]): boolean {
  return days[index - 1]?.day !== day;
}

function listingOf({ table, source, listing, interval }: KnownRanges): Listing {
  return { table, source, listing, symbol: symbolOf(listing), interval: interval === '' ? null : interval };
}

function keyOf({
  table,
  source,
  listing,
  interval,
}: Omit<KnownRanges, 'held' | 'explained' | 'wanted'>): string {
  return [table, source, listing, interval].join('\t');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
