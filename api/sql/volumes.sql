-- What each market of one source traded in a window, in all and at most in one bar.
select
  symbol,
  count(*) as bars,
  sum(volume) as volume,
  max(volume) as maximum_volume,
  sum(quote_volume) as quote_volume,
  max(quote_volume) as maximum_quote_volume
from klines
where source = $source and "interval" = $interval
  and open_time >= make_timestamptz($from_us::bigint) and open_time < make_timestamptz($to_us::bigint)
group by symbol
order by symbol
