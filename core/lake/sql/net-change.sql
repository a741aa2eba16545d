-- How what is held of a table differs from what was held ($2, its rows as they were): ranges that are held no more, and
-- those that are held since.
with before as (
  select source, listing, "interval", range_agg(int8range(lo, hi)) as ranges
    from jsonb_to_recordset($2::jsonb) as t(source text, listing text, "interval" text, lo bigint, hi bigint)
   group by 1, 2, 3
), after as (
  select source, listing, "interval", range_agg(int8range(lo, hi)) as ranges
    from lake.coverage where table_name = $1 group by 1, 2, 3
), compared as (
  select source, listing, "interval", coalesce(b.ranges, '{}') as had, coalesce(a.ranges, '{}') as has
    from before b full join after a using (source, listing, "interval")
)
select c.source, c.listing, c."interval", lower(part) as lo, upper(part) as hi, is_added
  from compared c
 cross join lateral (
   select part, true as is_added from unnest(c.has - c.had) as part
   union all
   select part, false from unnest(c.had - c.has) as part
 ) changed
