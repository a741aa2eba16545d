-- The parts of the bars that are due, the bar with trades before them, and what has come after.
insert into live.in_parts by name
with due_parts as (
  select p.*, due.from_us, due.is_late,
         max(case when p.open_us < due.from_us then p.open_us end) over bars as before_us
  from live.parts p
  join live.due using (source, symbol, "interval")
  window bars as (partition by p.source, p.symbol, p."interval")
),
with_neighbours as (
  select *, case when is_late then max(case when open_us < before_us then open_us end) over bars end as before_that_us
  from due_parts
  window bars as (partition by source, symbol, "interval")
)
select * exclude (from_us, is_late, before_us, before_that_us)
from with_neighbours
where open_us >= coalesce(before_that_us, before_us, from_us);
