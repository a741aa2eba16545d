-- Says of bars of $1 at source $2 that are wanted, or lie between bars that are held, and are not held, that an incident
-- is why; of those of which it is only known that the venue has none, too. A bar lies within the incident as a whole.
-- Answers how many bars were explained.
with expected as (
  select k.source, k.listing, k."interval", lake.step(k."interval") as step,
         coalesce(range_agg(int8range(k.lo, k.hi)) filter (where k.is_wanted), '{}')
           + case when bool_and(k.is_wanted) then '{}'
                  else int8multirange(int8range(min(k.lo) filter (where not k.is_wanted),
                                                max(k.hi) filter (where not k.is_wanted))) end as ranges
    from (select source, listing, "interval", lo, hi, false as is_wanted from lake.coverage where table_name = $1
          union all
          select source, listing, "interval", lo, hi, true from lake.wanted where table_name = $1) k
   where k.source = $2
   group by k.source, k.listing, k."interval"
), within as (
  select e.*, i.kind, i.cause, i.incident_id,
         (ceil(i.from_us::numeric / e.step) * e.step)::bigint as lo,
         (floor(coalesce(i.to_us, v.time_us)::numeric / e.step) * e.step)::bigint as hi
    from lake.incidents i
    join expected e on e.source = i.source
     and (i.symbol is null or i.symbol = regexp_replace(e.listing, '#[0-9]+$', ''))
    left join ingest.venues v on v.source = i.source
   where i.source = $2 and i.superseded_at = 'infinity' and i.kind in ('outage', 'halt', 'maintenance')
), parts as (
  select w.*, part
    from within w,
         unnest(int8multirange(int8range(w.lo, greatest(w.lo, w.hi))) * w.ranges
           - coalesce((select range_agg(int8range(c.lo, c.hi)) from lake.coverage c
                        where c.table_name = $1 and c.source = w.source and c.listing = w.listing
                          and c."interval" = w."interval" and c.lo < w.hi and c.hi > w.lo), '{}')
           - coalesce((select range_agg(int8range(x.lo, x.hi)) from lake.explained x
                        where x.table_name = $1 and x.source = w.source and x.listing = w.listing
                          and x."interval" = w."interval" and x.lo < w.hi and x.hi > w.lo
                          and x.cause <> 'never_published'), '{}')) as part
), done as (
  select (upper(part) - lower(part)) / step as bars,
         lake.explain($1, source, listing, "interval", lower(part), upper(part), kind,
                      cause || ' (incident ' || incident_id || ')')
    from parts
)
select coalesce(sum(bars), 0)::bigint as bars from done
