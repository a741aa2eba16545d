-- Runs of consecutive ids among new trades, with the time of the last and the earliest time of all.
with numbered as (
  select source, symbol, trade_id, epoch_us(timestamp) as time_us,
         trade_id - row_number() over (partition by source, symbol order by trade_id) as run
  from market.trades
)
select source, symbol, min(trade_id) as lo, max(trade_id) + 1 as hi, arg_max(time_us, trade_id) as last_us,
       min(time_us) as earliest_us
from numbered
group by source, symbol, run
