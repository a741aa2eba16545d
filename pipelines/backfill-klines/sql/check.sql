-- The bars of fetched files in their types, each once, with the line it stands on and why it cannot be taken, or null.
-- decimal(18,8) first: DuckDB casts text to decimal(38,18) fourteen times slower, so that is left to what does not fit.
create or replace temp table checked as
with lines as (
  select csv_path, row_number() over () as position, * exclude (csv_path)
  from read_csv($paths, header = false, auto_detect = false, delim = ',', filename = 'csv_path', columns = {
    open_time: 'varchar', open: 'varchar', high: 'varchar', low: 'varchar', close: 'varchar', volume: 'varchar',
    close_time: 'varchar', quote_volume: 'varchar', trade_count: 'varchar', taker_buy_volume: 'varchar',
    taker_buy_quote_volume: 'varchar', ignored: 'varchar'
  })
),
numbered as (
  select f.*, l.position - min(l.position) over (partition by l.csv_path) + 1 as line, l.* exclude (csv_path, position)
  from lines l join fetched f using (csv_path)
),
typed as (
  select
    file_no, line, symbol, "interval", step_us, from_us, to_us,
    try_cast(open_time as bigint) * scale as open_us,
    try_cast(close_time as bigint) * scale + scale - 1 as last_us,
    try_cast(close_time as bigint) * scale as close_us,
    exact(open) as open, exact(high) as high, exact(low) as low, exact(close) as close, exact(volume) as volume,
    exact(quote_volume) as quote_volume, try_cast(trade_count as bigint) as trade_count,
    exact(taker_buy_volume) as taker_buy_volume, exact(taker_buy_quote_volume) as taker_buy_quote_volume
  from numbered
  where not (has_header and line = 1)
),
copies as (
  select
    *,
    row_number() over (
      partition by file_no, open_us, close_us, open, high, low, close, volume, quote_volume, trade_count,
                   taker_buy_volume, taker_buy_quote_volume
      order by line
    ) as copy
  from typed
)
select
  * exclude (copy),
  case
    when open_us is null then 'open time is no whole number'
    when open_us < from_us or open_us >= to_us then 'open time lies outside the period of the file'
    when open_us % step_us <> 0 then 'open time is not on the grid of ' || "interval"
    when close_us is null or close_us < open_us or last_us >= open_us + step_us then 'close time is not within the bar'
    when open is null or high is null or low is null or close is null
      then 'a price is not a decimal of at most 18 places'
    when least(open, high, low, close) <= 0 then 'a price is not positive'
    when high < greatest(open, close, low) then 'high is below another price'
    when low > least(open, close) then 'low is above another price'
    when volume is null or quote_volume is null or taker_buy_volume is null or taker_buy_quote_volume is null
      then 'a volume is not a decimal of at most 18 places'
    when least(volume, quote_volume, taker_buy_volume, taker_buy_quote_volume) < 0 then 'a volume is negative'
    when trade_count is null or trade_count < 0 then 'number of trades is not a whole number of 0 or more'
    when row_number() over (partition by file_no, open_us order by line) > 1
      then 'open time stands there twice, with different contents'
  end as refused
from copies
where copy = 1
