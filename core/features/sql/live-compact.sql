-- Puts the parts of each bar together, and forgets bars for which a trade would now come too late. The newest two of these
-- stay: they hold the price to carry, and what a bar that is said again joins on to.
create or replace table live.merged_parts as $merged_parts;

truncate live.parts;

insert into live.parts by name
with judged as (
  select p.*, coalesce(p.open_us + p.length_us <= k.before_us, false) as is_past
  from live.merged_parts p
  left join live.kept k using (source, symbol, "interval")
),
numbered as (
  select *, count(*) filter (is_past) over (
           partition by source, symbol, "interval" order by open_us desc rows unbounded preceding
         ) as past
  from judged
)
select * exclude (is_past, past)
from numbered
where past <= 2;

drop table live.merged_parts;
