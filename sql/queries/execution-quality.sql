-- How orders were filled, for analysts, by market and type: share filled, time to the first fill, and price against the market's as it was placed.
-- $days = 7: how many days, up to the newest that is held
with recent as (
  select * from trading.order_events
  where date > (select max(date) from trading.order_events) - $days::integer
),
orders as (
  select
    source,
    symbol,
    order_type,
    side,
    order_id,
    any_value(quantity::double) as quantity,
    max(last_price::double) as price_placed_at,
    min(timestamp) filter (type = 'order_accepted') as accepted_at,
    min(timestamp) filter (type = 'order_filled') as filled_at,
    sum(fill_quantity::double) as filled,
    sum(fill_quantity::double * fill_price::double) / sum(fill_quantity::double) as average_price
  from recent
  group by source, symbol, order_type, side, order_id
)
select
  source,
  symbol,
  order_type,
  count(*) as orders,
  sum(coalesce(filled, 0)) / sum(quantity) as share_filled,
  median(epoch(filled_at - accepted_at)) as median_seconds_to_fill,
  avg(if(side = 'buy', 1, -1) * (average_price / price_placed_at - 1)) as average_cost
from orders
where accepted_at is not null
group by source, symbol, order_type
order by orders desc, source, symbol, order_type
