-- The bars to be committed, in the columns of `market.candles` but for when they were computed.
create or replace temp table made as
select
  symbol, "interval", make_timestamptz(open_us) as open_time, open, high, low, close, volume,
  make_timestamptz(close_us) as close_time, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume, source,
  is_filled, make_timestamp(open_us)::date as "date", first_trade_id, last_trade_id, is_complete, revision, listing
from read_json($path, format = 'newline_delimited', columns = {
  source: 'varchar', symbol: 'varchar', "interval": 'varchar', open_us: 'bigint', close_us: 'bigint',
  open: 'decimal(38, 18)', high: 'decimal(38, 18)', low: 'decimal(38, 18)', close: 'decimal(38, 18)',
  volume: 'decimal(38, 18)', quote_volume: 'decimal(38, 18)', trade_count: 'bigint',
  taker_buy_volume: 'decimal(38, 18)', taker_buy_quote_volume: 'decimal(38, 18)',
  first_trade_id: 'bigint', last_trade_id: 'bigint', is_filled: 'boolean', is_complete: 'boolean',
  revision: 'bigint', listing: 'varchar'
})
