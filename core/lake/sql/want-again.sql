-- Makes ranges wanted that are held no more ($2; $3 is what was held before, both as rows): bars as they are, ids by the
-- day of their trades. Where nothing was wanted, all from the first to the last that was held becomes so, as it was
-- expected until then.
with undone as (
  select source, listing, coalesce("interval", '') as "interval", lo, hi,
         exists (select from lake.wanted w
                  where w.table_name = $1 and w.source = t.source and w.listing = t.listing
                    and w."interval" = coalesce(t."interval", '')) as is_known
    from jsonb_to_recordset($2::jsonb) as t(source text, listing text, "interval" text, lo bigint, hi bigint)
), before as (
  select source, listing, "interval", min(lo) as lo, max(hi) as hi
    from jsonb_to_recordset($3::jsonb) as t(source text, listing text, "interval" text, lo bigint, hi bigint)
   group by 1, 2, 3
), ranges as (
  select source, listing, "interval", lo, hi from undone where is_known
  union
  select b.* from before b join undone u using (source, listing, "interval") where not u.is_known
), days as (
  select source, listing, day, first_id as lo,
         coalesce(lead(first_id) over (partition by source, listing order by day), last_id + 1) as hi
    from lake.tape_days where table_name = $1
), parts as (
  select source, listing, "interval", lo, hi, null::date as day from ranges where "interval" <> ''
  union all
  select r.source, r.listing, '', greatest(r.lo, d.lo), least(r.hi, d.hi), d.day
    from ranges r join days d on d.source = r.source and d.listing = r.listing and d.lo < r.hi and d.hi > r.lo
   where r."interval" = ''
)
insert into lake.wanted as known (table_name, source, listing, "interval", lo, hi, rank, day)
select $1, p.source, p.listing, p."interval", p.lo, max(p.hi),
       coalesce((select min(w.rank) from lake.wanted w where w.source = p.source and w.listing = p.listing), 1000000),
       min(p.day)
  from parts p group by p.source, p.listing, p."interval", p.lo
    on conflict (table_name, source, listing, "interval", lo) do update
   set hi = greatest(known.hi, excluded.hi)
