-- Notes the status $2 has of each listing at $3 (µs) at source $1: it goes on, or another begins.
with seen as (
  select symbol, number, status
    from jsonb_to_recordset($2::jsonb) as t(symbol text, number integer, status text)
), last as (
  select distinct on (s.symbol, s.number) s.symbol, s.number, s.status, s.first_seen_us
    from universe.statuses s join seen using (symbol, number)
   where s.source = $1 order by s.symbol, s.number, s.first_seen_us desc
), lasting as (
  update universe.statuses held set last_seen_us = greatest(held.last_seen_us, $3)
    from seen join last using (symbol, number, status)
   where held.source = $1 and held.symbol = seen.symbol and held.number = seen.number
     and held.first_seen_us = last.first_seen_us
  returning held.symbol, held.number
)
insert into universe.statuses (source, symbol, number, status, first_seen_us, last_seen_us)
select $1, symbol, number, status, $3, $3 from seen
 where not exists (select from lasting l where l.symbol = seen.symbol and l.number = seen.number)
on conflict (source, symbol, number, first_seen_us) do update set status = excluded.status
