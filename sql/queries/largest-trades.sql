-- The largest trades of each market by quote amount, and how many times the market's median they are.
-- $days = 1: how many days, up to the newest that is held
-- $top = 5: how many of each market
with recent as (
  select source, symbol, trade_id, timestamp, side, price, volume, price::double * volume::double as quote_amount
  from market.trades
  where date > (select max(date) from market.trades) - $days::integer
)
select *, quote_amount / median(quote_amount) over (partition by source, symbol) as times_median
from recent
qualify row_number() over (partition by source, symbol order by quote_amount desc, trade_id) <= $top
order by source, symbol, quote_amount desc
