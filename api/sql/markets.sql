-- Last price and the 24 hours before the newest trade of one source, by market.
with held as (
  select symbol, timestamp, trade_id, price, volume
  from trades
  where source = $source
), newest as (
  select max(timestamp) as timestamp from held
)
select
  symbol,
  arg_max(price, trade_id) as last_price,
  max(trade_id) as last_trade_id,
  epoch_us(arg_max(held.timestamp, trade_id)) as last_us,
  arg_min(price, trade_id) as open_price,
  max(price) as high_price,
  min(price) as low_price,
  sum(volume) as volume,
  sum(price::double * volume::double) as quote_volume,
  count(*) as trade_count
from held
cross join newest
where held.timestamp > newest.timestamp - interval 24 hours
group by symbol
order by symbol
