-- Flat bars at the price before them, for holes of given begin, end, length of bars, and price.
insert into filled by name
select
  symbol, "interval", make_timestamptz(open_us) as open_time, price as open, price as high, price as low, price as close,
  0 as volume, make_timestamptz(open_us + step_us - 1000) as close_time, 0 as quote_volume, 0 as trade_count,
  0 as taker_buy_volume, 0 as taker_buy_quote_volume, $source as source, true as is_filled,
  make_timestamp(open_us)::date as date, listing, open_us, step_us
from (
  select symbol, listing, "interval", step_us, price::decimal(38,18) as price, unnest(range(lo, hi, step_us)) as open_us
  from (values $holes) h(symbol, listing, "interval", lo, hi, step_us, price)
)
