-- Counts an attempt under each key, and locks a key that has had enough of them; where one is locked, counts none.
insert into identity.sign_in_failures as f (key, allowed, failures, locked_until, last_at)
select key, allowed, 1, case when allowed = 1 then clock_timestamp() + interval '1 minute' end, clock_timestamp()
from unnest($1::bytea[], $2::integer[]) as asked (key, allowed)
where not exists (
  select from identity.sign_in_failures l where l.key = any ($1) and l.locked_until > clock_timestamp()
)
on conflict (key) do update set
  (failures, locked_until, last_at) = (
    select n, case when n >= f.allowed
                then clock_timestamp() + least(interval '1 minute' * power(2, least(n - f.allowed, 10)), interval '15 minutes')
              end, clock_timestamp()
    from (select case when f.last_at < clock_timestamp() - interval '1 day' then 1 else f.failures + 1 end as n) as counted
  )
where f.locked_until is null or f.locked_until <= clock_timestamp()
returning locked_until is not null as "isLocking"
