-- Explanations of a table that ended since $2 because what they explain was held then: they stand again where it is neither
-- held nor explained otherwise.
with ended as (
  select distinct on (source, listing, "interval", lo, hi) source, listing, "interval", lo, hi, cause, detail, explained_at
    from lake.explained_before
   where table_name = $1 and ended_at >= $2::timestamptz
   order by source, listing, "interval", lo, hi, ended_at
), known as (
  select source, listing, "interval", range_agg(int8range(lo, hi)) as ranges
    from (select source, listing, "interval", lo, hi from lake.coverage where table_name = $1
          union all
          select source, listing, "interval", lo, hi from lake.explained where table_name = $1) k
   group by 1, 2, 3
), open as (
  select e.*, part, row_number() over (partition by e.source, e.listing, e."interval", lower(part) order by e.explained_at) as nth
    from ended e left join known k using (source, listing, "interval"),
         unnest(int8multirange(int8range(e.lo, e.hi)) - coalesce(k.ranges, '{}')) as part
)
insert into lake.explained (table_name, source, listing, "interval", lo, hi, cause, detail, explained_at)
select $1, o.source, o.listing, o."interval", lower(o.part), upper(o.part), o.cause, o.detail, o.explained_at
  from open o
 where not exists (
   select from open p
    where p.source = o.source and p.listing = o.listing and p."interval" = o."interval" and p.part && o.part
      and (p.explained_at, lower(p.part), upper(p.part), p.nth) < (o.explained_at, lower(o.part), upper(o.part), o.nth))
