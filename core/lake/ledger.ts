import type { Transaction } from '#core/platform/postgres/database.ts';
import type { Lake } from './lake.ts';

export interface CoverageFilter {
  table?: string;
  source?: string;
  symbol?: string;
}

/** How complete one listing is, between the first and the last id that is held. */
export interface ListingCoverage {
  table: string;
  source: string;
  listing: string;
  symbol: string;
  /** Of bars; null for trades. */
  interval: string | null;
  /** The first id, or for bars the first open time in microseconds. */
  lo: number;
  /** One past the last id, or for bars the open time after the last. */
  hi: number;
  expected: number;
  held: number;
  explained: number;
  missing: number;
}

export interface Gap {
  table: string;
  source: string;
  listing: string;
  symbol: string;
  interval: string | null;
  from: number;
  /** One past the last missing id. */
  to: number;
  kind: 'missing' | 'explained';
  cause: string | null;
}

const gapsMax = 10_000;

/** Expected, held, explained and missing ids or bars of each listing: the proof of completeness. */
export async function coverage(
  lake: Lake,
  filter: CoverageFilter = {},
  db: Pick<Transaction, 'query'> = lake.database,
): Promise<ListingCoverage[]> {
  const { rows } = await db.query<Omit<ListingCoverage, 'symbol' | 'missing'>>(
    `with span as (
       select table_name, source, listing, "interval", lake.step("interval") as step, min(lo) as lo, max(hi) as hi,
              sum(hi - lo)::bigint as held
         from lake.coverage
        where ($1::text is null or table_name = $1) and ($2::text is null or source = $2)
          and ($3::text is null or regexp_replace(listing, '#[0-9]+$', '') = $3)
        group by table_name, source, listing, "interval")
     select s.table_name as table, s.source, s.listing, nullif(s."interval", '') as interval, s.lo, s.hi,
            (s.hi - s.lo) / step as expected, s.held / step as held,
            coalesce((select sum(least(x.hi, s.hi) - greatest(x.lo, s.lo))::bigint from lake.explained x
                       where x.table_name = s.table_name and x.source = s.source and x.listing = s.listing
                         and x."interval" = s."interval" and x.lo < s.hi and x.hi > s.lo), 0) / step as explained
       from span s order by 1, 2, 3, step`,
    [filter.table ?? null, filter.source ?? null, filter.symbol ?? null],
  );
  return rows.map((row) => ({
    ...row,
    symbol: symbolOf(row.listing),
    missing: row.expected - row.held - row.explained,
  }));
}

/** Ids or bars that are not held, explained or not; at most 10,000 ranges, missing ones first. */
export async function gaps(lake: Lake, filter: CoverageFilter = {}): Promise<Gap[]> {
  const { rows } = await lake.database.query<Omit<Gap, 'symbol' | 'kind'>>(
    `select table_name as table, source, listing, nullif("interval", '') as interval, lo as "from", hi as "to", cause
       from lake.gaps
      where ($1::text is null or table_name = $1) and ($2::text is null or source = $2)
        and ($3::text is null or regexp_replace(listing, '#[0-9]+$', '') = $3)
      order by cause is not null, 1, 2, 3, lake.step("interval"), lo limit ${gapsMax}`,
    [filter.table ?? null, filter.source ?? null, filter.symbol ?? null],
  );
  return rows.map((row) => ({
    ...row,
    symbol: symbolOf(row.listing),
    kind: row.cause === null ? 'missing' : 'explained',
  }));
}

/** `BTCUSDT#1` → `BTCUSDT`. */
export function symbolOf(listing: string): string {
  return listing.replace(/#[0-9]+$/, '');
}
