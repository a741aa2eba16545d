-- Runs of consecutive trades that differ, with the contents of each run's first.
select
  min(trade_id) as lo, max(trade_id) + 1 as hi, count(*) as keys,
  to_json(arg_min(held, trade_id)) as held, to_json(arg_min(found, trade_id)) as found
from differing
group by run
order by lo
limit $runs_max
