-- At which hour of the day, in UTC, a market trades most and moves most.
-- $symbol = 'BTCUSDT': the market
with bars as (
  select source, hour(open_time at time zone 'UTC') as hour, quote_volume::double as quote_volume, high::double / low::double - 1 as price_range
  from market.klines
  where interval = '1h' and symbol = $symbol and not is_filled
)
select
  source,
  hour,
  count(*) as bars,
  avg(quote_volume) as average_quote_volume,
  avg(quote_volume) / avg(avg(quote_volume)) over (partition by source) as against_average,
  avg(price_range) as average_range
from bars
group by source, hour
order by source, hour
