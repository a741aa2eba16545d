-- The bars of one market as the models of features take them, in the columns of `int_bars`.
select
  $source as source,
  $symbol as symbol,
  $interval as "interval",
  $length_us::bigint as length_us,
  open_us,
  open::double as open,
  high::double as high,
  low::double as low,
  close::double as close,
  volume::double as volume,
  quote_volume::double as quote_volume,
  trade_count,
  is_filled
from bars
