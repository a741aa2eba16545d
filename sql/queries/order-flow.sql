-- By hour of one market, what takers bought less what they sold, beside how the price went.
-- $symbol = 'BTCUSDT': the market
-- $hours = 48: how many hours, up to the newest trade
with recent as (
  select source, timestamp, trade_id, side, price::double as price, volume::double as volume
  from market.trades
  where symbol = $symbol
    and timestamp > (select max(timestamp) from market.trades where symbol = $symbol) - to_hours($hours::integer)
)
select
  source,
  time_bucket(interval '1 hour', timestamp) as hour,
  sum(volume) as volume,
  sum(if(side = 'buy', volume, -volume)) as bought_less_sold,
  sum(if(side = 'buy', volume, -volume)) / sum(volume) as imbalance,
  arg_max(price, trade_id) / arg_min(price, trade_id) - 1 as change
from recent
group by source, hour
order by source, hour
