-- What is expected and not held, explained or not. $1 table, $2 source, $3 symbols, $4 intervals, $5 from and $6 to (µs);
-- $8 kind, $9 cause;
-- null is all. Of bars the window asked for is expected, as far as coin and clock allow; else what is wanted; else what
-- lies between the first and the last that is held.
with known as (
  select table_name, source, listing, "interval", int8range(lo, hi) as range, false as is_wanted from lake.coverage
  union all
  select table_name, source, listing, "interval", int8range(lo, hi), true from lake.wanted
), listed as (
  select k.table_name, k.source, k.listing, k."interval", lake.step(k."interval") as step,
         range_agg(k.range) filter (where k.is_wanted) as wanted, min(lower(k.range)) as lo, max(upper(k.range)) as hi,
         min(l.listed_us) as listed_us, min(l.delisted_us) as delisted_us, min(v.time_us) as now_us
    from known k
    left join universe.listings l on l.source = k.source and l.listing = k.listing
    left join ingest.venues v on v.source = k.source
   where ($1::text is null or k.table_name = $1) and ($2::text is null or k.source = $2)
     and ($3::text[] is null or regexp_replace(k.listing, '#[0-9]+$', '') = any($3))
     and ($4::text[] is null or k."interval" = any($4))
   group by k.table_name, k.source, k.listing, k."interval"
), bounds as (
  select *,
         greatest(ceil(coalesce($5::bigint, lo)::numeric / step) * step, floor(listed_us::numeric / step) * step)::bigint
           as from_us,
         least(floor(coalesce($6::bigint, hi)::numeric / step) * step, ceil(delisted_us::numeric / step) * step,
               case when $6::bigint is not null then floor(now_us::numeric / step) * step end)::bigint as to_us
    from listed
), expected as (
  select *,
         case when "interval" <> '' and ($5::bigint is not null or $6::bigint is not null)
              then int8multirange(int8range(from_us, greatest(from_us, to_us)))
              else coalesce(wanted, int8multirange(int8range(lo, hi))) end as ranges
    from bounds
), missing as (
  select e.table_name, e.source, e.listing, e."interval", e.step, part, null::text as cause, null::text as detail
    from expected e,
         unnest(e.ranges
           - coalesce((select range_agg(int8range(c.lo, c.hi)) from lake.coverage c
                        where c.table_name = e.table_name and c.source = e.source and c.listing = e.listing
                          and c."interval" = e."interval"), '{}')
           - coalesce((select range_agg(int8range(x.lo, x.hi)) from lake.explained x
                        where x.table_name = e.table_name and x.source = e.source and x.listing = e.listing
                          and x."interval" = e."interval"), '{}')) as part
), explained as (
  select x.table_name, x.source, x.listing, x."interval", lake.step(x."interval"), int8range(x.lo, x.hi), x.cause,
         x.detail
    from lake.explained x
   where ($1::text is null or x.table_name = $1) and ($2::text is null or x.source = $2)
     and ($3::text[] is null or regexp_replace(x.listing, '#[0-9]+$', '') = any($3))
     and ($4::text[] is null or x."interval" = any($4))
     and (x."interval" = '' or (x.hi > coalesce($5::bigint, x.lo) and x.lo < coalesce($6::bigint, x.hi)))
)
select table_name as table, source, listing, nullif("interval", '') as interval, lower(part) as "from",
       upper(part) as "to", (upper(part) - lower(part)) / step as count, cause, detail
  from (select * from missing union all select * from explained) as gap
 where ($8::text is null or ($8 = 'explained') = (cause is not null)) and ($9::text is null or cause = $9)
 order by cause is not null, table_name, source, listing, step, lower(part)
 limit $7
