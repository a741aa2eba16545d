-- Where complete bars that were made from trades differ from the venue's own: none should.
-- $interval = '1m': length of the bars
select
  source,
  symbol,
  open_time,
  candles.close as candle_close,
  klines.close as kline_close,
  candles.volume as candle_volume,
  klines.volume as kline_volume,
  candles.trade_count as candle_trades,
  klines.trade_count as kline_trades
from market.candles as candles
join market.klines as klines using (source, symbol, interval, open_time)
where interval = $interval
  and candles.is_complete
  and not klines.is_filled
  and (
    (candles.open, candles.high, candles.low, candles.close) is distinct from (klines.open, klines.high, klines.low, klines.close)
    or candles.volume <> klines.volume
    or candles.trade_count <> klines.trade_count
  )
order by open_time, source, symbol
