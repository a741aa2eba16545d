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
  lo: number;
  /** One past the last id. */
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
  from: number;
  /** One past the last missing id. */
  to: number;
  kind: 'missing' | 'explained';
  cause: string | null;
}

const gapsMax = 10_000;

/** Expected, held, explained and missing ids of each listing: the proof of completeness. */
export async function coverage(lake: Lake, filter: CoverageFilter = {}): Promise<ListingCoverage[]> {
  const { rows } = await lake.database.query<Omit<ListingCoverage, 'symbol' | 'missing'>>(
    `with span as (
       select table_name, source, listing, min(lo) as lo, max(hi) as hi, sum(hi - lo)::bigint as held
         from lake.coverage
        where "interval" = '' and ($1::text is null or table_name = $1) and ($2::text is null or source = $2)
          and ($3::text is null or regexp_replace(listing, '#[0-9]+$', '') = $3)
        group by table_name, source, listing)
     select s.table_name as table, s.source, s.listing, s.lo, s.hi, s.hi - s.lo as expected, s.held,
            coalesce((select sum(least(x.hi, s.hi) - greatest(x.lo, s.lo))::bigint from lake.explained x
                       where x.table_name = s.table_name and x.source = s.source and x.listing = s.listing
                         and x."interval" = '' and x.lo < s.hi and x.hi > s.lo), 0) as explained
       from span s order by 1, 2, 3`,
    [filter.table ?? null, filter.source ?? null, filter.symbol ?? null],
  );
  return rows.map((row) => ({
    ...row,
    symbol: symbolOf(row.listing),
    missing: row.expected - row.held - row.explained,
  }));
}

/** Ids that are not held, explained or not; at most 10,000, missing ones first. */
export async function gaps(lake: Lake, filter: CoverageFilter = {}): Promise<Gap[]> {
  const { rows } = await lake.database.query<Omit<Gap, 'symbol' | 'kind'>>(
    `select table_name as table, source, listing, lo as "from", hi as "to", cause
       from lake.gaps
      where ($1::text is null or table_name = $1) and ($2::text is null or source = $2)
        and ($3::text is null or regexp_replace(listing, '#[0-9]+$', '') = $3)
      order by cause is not null, 1, 2, 3, 4 limit ${gapsMax}`,
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
