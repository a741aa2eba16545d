-- Runs of consecutive accepted ids.
select source, listing, min(trade_id) as lo, max(trade_id) + 1 as hi
from (
  select source, listing, trade_id,
         trade_id - row_number() over (partition by source, listing order by trade_id) as run
  from accepted
)
group by source, listing, run
order by source, listing, lo
