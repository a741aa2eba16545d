select
  source, symbol, "interval", epoch_us(open_time) as open_us,
  json_object(
    'source', source, 'symbol', symbol, 'interval', "interval", 'open_us', epoch_us(open_time), 'close', close,
    'sma_20', sma_20, 'sma_50', sma_50, 'sma_200', sma_200, 'bb_upper', bb_upper, 'bb_lower', bb_lower,
    'bb_percent_b', bb_percent_b, 'macd', macd, 'macd_signal', macd_signal, 'macd_histogram', macd_histogram,
    'volatility_20', volatility_20, 'rsi_14', rsi_14, 'below_all_smas', below_all_smas, 'is_filled', is_filled
  )::varchar as record
from tail.newest
order by source, symbol, "interval"
