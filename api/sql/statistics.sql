-- Figures of one market's bars in a window, and of the holes between its first and its last one there.
with bars as (
  select epoch_us(open_time) as open_us, open, high, low, close, volume, quote_volume, trade_count, is_filled
  from klines
  where source = $source and symbol = $symbol and "interval" = $interval
    and open_time >= make_timestamptz($from_us::bigint) and open_time < make_timestamptz($to_us::bigint)
), neighbours as (
  select
    open_us + $step_us::bigint as lo,
    lead(open_us) over (order by open_us) as hi,
    ln(nullif(close, 0)::double / lag(nullif(close, 0)::double) over (order by open_us)) as log_return
  from bars
), holes as (
  select lo, hi from neighbours where hi > lo
), hole_days as (
  select count(distinct day) as days
  from (select unnest(range(lo // 86400000000, (hi - 1) // 86400000000 + 1)) as day from holes)
)
select
  count(*) as bars,
  count(*) filter (where is_filled) as filled,
  min(open_us) as first_us,
  max(open_us) as last_us,
  arg_min(open, open_us) as open,
  max(high) as high,
  min(low) as low,
  arg_max(close, open_us) as close,
  sum(volume) as volume,
  max(volume) as maximum_volume,
  sum(quote_volume) as quote_volume,
  max(quote_volume) as maximum_quote_volume,
  sum(trade_count)::bigint as trades,
  (select stddev_samp(log_return) from neighbours) as volatility,
  (select coalesce(sum((hi - lo) // $step_us::bigint), 0)::bigint from holes) as missing_bars,
  (select days from hole_days) as missing_days
from bars
