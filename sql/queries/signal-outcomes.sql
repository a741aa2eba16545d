-- What came of signals: the return from the bar they were said at to a number of bars later, as one who followed them would have had.
-- $bars = 10: how many bars later
with later as (
  select source, symbol, interval, open_time, lead(close::double, $bars::integer) over market_bars as close_later
  from market.klines
  window market_bars as (partition by source, symbol, interval order by open_time)
),
followed as (
  select
    strategy,
    interval,
    signal,
    if(signal = 'BUY', close_later / price::double - 1, 1 - close_later / price::double) as outcome
  from signals.signals
  join later using (source, symbol, interval, open_time)
)
select
  strategy,
  interval,
  signal,
  count(*) as signals,
  count(outcome) as known,
  avg(outcome) as average,
  median(outcome) as median,
  avg((outcome > 0)::integer) filter (outcome is not null) as won
from followed
group by strategy, interval, signal
order by strategy, interval, signal
