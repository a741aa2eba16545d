-- Bars of one market from a time on: the venue's, and ours where none of its is held; of ours the latest revision.
with live as (
  select unnest(from_json($live, '[{
    "open_us": "bigint", "open": "varchar", "high": "varchar", "low": "varchar", "close": "varchar",
    "volume": "varchar", "quote_volume": "varchar", "trade_count": "bigint", "taker_buy_volume": "varchar",
    "taker_buy_quote_volume": "varchar", "is_filled": "boolean", "is_complete": "boolean", "revision": "bigint"
  }]'), recursive := true)
), revisions as (
  select
    epoch_us(open_time) as open_us,
    open, high, low, close, volume, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume,
    is_filled, is_complete, revision
  from candles
  where source = $source and symbol = $symbol and "interval" = $interval
    and open_time >= make_timestamptz($from_us::bigint) and open_time < make_timestamptz($to_us::bigint)
  union all by name
  select columns(*) from live
), ours as (
  from revisions qualify row_number() over (partition by open_us order by revision desc) = 1
), venue as (
  select
    epoch_us(open_time) as open_us,
    open, high, low, close, volume, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume,
    is_filled, true as is_complete, null as revision
  from klines
  where source = $source and symbol = $symbol and "interval" = $interval
    and open_time >= make_timestamptz($from_us::bigint) and open_time < make_timestamptz($to_us::bigint)
)
select *, 'kline' as origin from venue
union all by name
select *, 'candle' as origin from ours where open_us not in (select open_us from venue)
