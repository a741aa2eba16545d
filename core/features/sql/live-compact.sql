-- Puts the parts of each bar together, and forgets bars for which a trade would now come too late. The newest of these
-- stays: it holds the price to carry, and what the next bar joins on to.
create or replace table live.merged_parts as $merged_parts;

truncate live.parts;

insert into live.parts by name
with cut as (
  select p.*, max(case when p.open_us + p.length_us <= k.before_us then p.open_us end) over (
           partition by p.source, p.symbol, p."interval"
         ) as oldest_us
  from live.merged_parts p
  left join live.kept k using (source, symbol, "interval")
)
select * exclude (oldest_us)
from cut
where oldest_us is null or open_us >= oldest_us;

drop table live.merged_parts;
