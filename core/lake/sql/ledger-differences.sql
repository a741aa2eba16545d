-- How the ledger of a table differs from the runs of keys in its files ($2): what is held but in no file, by the coin that
-- is said to hold it, and what is in the files but held by no coin of the name, for the newest of them.
with in_files as (
  select source, symbol, "interval", range_agg(int8range(lo, hi)) as ranges
    from jsonb_to_recordset($2::jsonb) as t(source text, symbol text, "interval" text, lo bigint, hi bigint)
   group by 1, 2, 3
), listings as (
  select source, regexp_replace(listing, '#[0-9]+$', '') as symbol, "interval", listing,
         range_agg(int8range(lo, hi)) as ranges
    from lake.coverage where table_name = $1 group by 1, 2, 3, 4
), symbols as (
  select source, symbol, "interval", max(listing) as newest, range_agg(ranges) as ranges
    from listings group by 1, 2, 3
), changes as (
  select l.source, l.listing, l."interval", part, false as is_added
    from listings l left join in_files f using (source, symbol, "interval"),
         unnest(l.ranges - coalesce(f.ranges, '{}')) as part
  union all
  select f.source, coalesce(s.newest, f.symbol || '#1'), f."interval", part, true
    from in_files f left join symbols s using (source, symbol, "interval"),
         unnest(f.ranges - coalesce(s.ranges, '{}')) as part
)
select source, listing, "interval", lower(part) as lo, upper(part) as hi, is_added
  from changes
 order by source, listing, "interval", lo
