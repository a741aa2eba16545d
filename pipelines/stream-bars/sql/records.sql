-- The bars that were closed, each as the JSON of its record without the revision: amounts as short decimals.
select
  source, symbol, "interval", epoch_us(open_time) as open_us, is_complete, is_filled,
  json_object(
    'source', source,
    'symbol', symbol,
    'interval', "interval",
    'open_us', epoch_us(open_time),
    'close_us', epoch_us(close_time),
    'open', short_decimal(open),
    'high', short_decimal(high),
    'low', short_decimal(low),
    'close', short_decimal(close),
    'volume', short_decimal(volume),
    'quote_volume', short_decimal(quote_volume),
    'trade_count', trade_count,
    'taker_buy_volume', short_decimal(taker_buy_volume),
    'taker_buy_quote_volume', short_decimal(taker_buy_quote_volume),
    'first_trade_id', first_trade_id,
    'last_trade_id', last_trade_id,
    'is_filled', is_filled,
    'is_complete', is_complete
  )::varchar as record
from live.closed
order by source, symbol, "interval", open_us
