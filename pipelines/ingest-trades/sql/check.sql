-- Values of each line in their types, numbered in the order of the log, with the reason why it is refused, or null;
-- a line that is no JSON object is all null.
-- decimal(18,8) first: DuckDB casts text to decimal(38,18) fourteen times slower, so that is left to what does not fit.
with lines as (
  select row_number() over () - 1 as line_number, *
  from read_json($path, format = 'newline_delimited', ignore_errors = true, maximum_object_size = 1048576, columns = {
    source: 'varchar', symbol: 'varchar', trade_id: 'varchar', price: 'varchar', volume: 'varchar', side: 'varchar',
    timestamp_us: 'varchar', channel: 'varchar', reason: 'varchar'
  })
),
typed as (
  select
    l.line_number, l.source, l.symbol, k.listing, l.side, l.reason as refused_by_adapter,
    coalesce(l.channel, 'stream') = 'stream' as by_stream,
    try_cast(l.trade_id as bigint) as trade_id,
    contains(l.trade_id, '.') or contains(l.trade_id, 'e') as trade_id_is_fractional,
    try_cast(l.timestamp_us as bigint) as timestamp_us,
    coalesce(k.latest_us, $latest_us::bigint) as latest_us,
    case when not contains(l.price, '.') or length(l.price) - strpos(l.price, '.') <= 8
         then coalesce(try_cast(l.price as decimal(18,8))::decimal(38,18), try_cast(l.price as decimal(38,18)))
         when length(l.price) - strpos(l.price, '.') <= 18 then try_cast(l.price as decimal(38,18)) end as price,
    contains(l.price, 'e') or contains(l.price, 'E') as price_has_exponent,
    case when not contains(l.volume, '.') or length(l.volume) - strpos(l.volume, '.') <= 8
         then coalesce(try_cast(l.volume as decimal(18,8))::decimal(38,18), try_cast(l.volume as decimal(38,18)))
         when length(l.volume) - strpos(l.volume, '.') <= 18 then try_cast(l.volume as decimal(38,18)) end as volume,
    contains(l.volume, 'e') or contains(l.volume, 'E') as volume_has_exponent
  from lines l
  left join known_symbols k on k.source = l.source and k.symbol = l.symbol
)
select
  line_number, source, symbol, listing, side, by_stream, trade_id, timestamp_us, price, volume,
  case
    when refused_by_adapter is not null then refused_by_adapter
    when source is null then 'not a canonical record'
    when listing is null then 'unknown symbol'
    when trade_id is null or trade_id < 0 or trade_id_is_fractional then 'trade id is not a whole number of 0 or more'
    when price is null or price_has_exponent then 'price is not a decimal of at most 18 places'
    when price <= 0 then 'price is not positive'
    when volume is null or volume_has_exponent then 'volume is not a decimal of at most 18 places'
    when volume <= 0 then 'volume is not positive'
    when side is null or side not in ('buy', 'sell') then 'side is neither buy nor sell'
    when timestamp_us is null then 'timestamp is not a whole number of microseconds'
    when timestamp_us < $earliest_us::bigint or timestamp_us > latest_us then 'timestamp is out of range'
  end as refused
from typed
