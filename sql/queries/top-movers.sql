-- Which markets moved most, from the close before a number of days to the newest close.
-- $days = 7: how many days
-- $top = 20: how many markets
with newest as (
  select source, symbol, open_time, close::double as close
  from market.klines
  where interval = '1d'
  qualify row_number() over (partition by source, symbol order by open_time desc) = 1
),
before as (
  select newest.source, newest.symbol, klines.close::double as close
  from newest
  join market.klines as klines
    on klines.source = newest.source
    and klines.symbol = newest.symbol
    and klines.interval = '1d'
    and klines.open_time = newest.open_time - to_days($days::integer)
)
select source, symbol, before.close as close_before, newest.close as close_now, newest.close / before.close - 1 as change
from newest
join before using (source, symbol)
order by abs(newest.close / before.close - 1) desc
limit $top
