-- Last price of each market of one source, and its 24 hours up to the end of its newest bar.
with bars as (
  select symbol, open_time, open, close, volume, quote_volume, trade_count
  from klines
  where source = $source and "interval" = $interval and open_time >= make_timestamptz($from_us::bigint)
), newest as (
  select symbol, max(open_time) as open_time from bars group by symbol
)
select
  bars.symbol,
  epoch_us(newest.open_time) as last_us,
  arg_max(close, bars.open_time) as last_price,
  arg_min(open, bars.open_time) as open_price,
  sum(volume) as volume,
  sum(quote_volume) as quote_volume,
  sum(trade_count)::bigint as trades
from bars
join newest on newest.symbol = bars.symbol
where bars.open_time > newest.open_time - interval 24 hours
group by bars.symbol, newest.open_time
order by bars.symbol
