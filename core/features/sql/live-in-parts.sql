-- The parts of the bars that are due, the bar with trades before them, and what has come after. Where a late trade came, bars
-- are said from the one before it on, which joins on to the one before that.
insert into live.in_parts by name
with before as (
  select p.source, p.symbol, p."interval", max(p.open_us) as before_us
  from live.parts p
  join live.due due using (source, symbol, "interval")
  where p.open_us < due.from_us
  group by p.source, p.symbol, p."interval"
),
before_that as (
  select p.source, p.symbol, p."interval", max(p.open_us) as before_that_us
  from live.parts p
  join (from live.due join before using (source, symbol, "interval") where is_late) late
    using (source, symbol, "interval")
  where p.open_us < late.before_us
  group by p.source, p.symbol, p."interval"
),
begins as (
  select source, symbol, "interval", coalesce(before_that_us, before_us, from_us) as begins_us
  from live.due
  left join before using (source, symbol, "interval")
  left join before_that using (source, symbol, "interval")
)
select p.*
from live.parts p
join begins using (source, symbol, "interval")
where p.open_us >= begins.begins_us
