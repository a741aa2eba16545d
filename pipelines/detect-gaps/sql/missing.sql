-- What is wanted and neither held nor explained. $1 table, $2 source, $3 symbols, $4 intervals: null is all.
with wanted as (
  select table_name, source, listing, "interval", day, min(rank) as rank, range_agg(int8range(lo, hi)) as ranges
    from lake.wanted
   where ($1::text is null or table_name = $1) and ($2::text is null or source = $2)
     and ($3::text[] is null or regexp_replace(listing, '#[0-9]+$', '') = any($3))
     and ($4::text[] is null or "interval" = any($4))
   group by table_name, source, listing, "interval", day
)
select w.table_name as table, w.source, w.listing, nullif(w."interval", '') as interval, w.day::text as day, w.rank,
       lower(part) as "from", upper(part) as "to"
  from wanted w,
       unnest(w.ranges
         - coalesce((select range_agg(int8range(c.lo, c.hi)) from lake.coverage c
                      where c.table_name = w.table_name and c.source = w.source and c.listing = w.listing
                        and c."interval" = w."interval" and c.lo < upper(w.ranges) and c.hi > lower(w.ranges)), '{}')
         - coalesce((select range_agg(int8range(x.lo, x.hi)) from lake.explained x
                      where x.table_name = w.table_name and x.source = w.source and x.listing = w.listing
                        and x."interval" = w."interval" and x.lo < upper(w.ranges) and x.hi > lower(w.ranges)), '{}')
       ) as part
 order by w.rank, w.table_name, w.source, w.listing, lake.step(w."interval") desc, lower(part) desc
