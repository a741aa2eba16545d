-- Markets whose newest bar is oversold and below all averages, lowest strength first.
-- $interval = '1d': length of the bars
-- $rsi = 30: strength index below which it counts as oversold
select source, symbol, open_time, close, rsi_14, bb_percent_b, close / sma_200 - 1 as against_sma_200
from features.indicators
where interval = $interval
qualify row_number() over (partition by source, symbol order by open_time desc) = 1
  and rsi_14 < $rsi
  and below_all_smas
order by rsi_14, source, symbol
