-- Holes in the venue's bars between the first and the last that are held: after which bar, and how long until the next.
-- $interval = '1d': length of the bars
with neighbours as (
  select
    source,
    symbol,
    open_time,
    close_time,
    lead(open_time) over (partition by source, symbol order by open_time) as next_open_time
  from market.klines
  where interval = $interval
)
select source, symbol, open_time as after_bar, next_open_time as next_bar, next_open_time - close_time as hole
from neighbours
where next_open_time - close_time > interval '1 second'
order by hole desc, source, symbol
