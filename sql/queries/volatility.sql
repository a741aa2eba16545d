-- How volatile markets are: the standard deviation of daily log returns, annualised over 365 days, as crypto never closes.
-- $days = 90: how many days back
-- $returns = 20: how many returns a market must have to be ranked
with returns as (
  select
    source,
    symbol,
    open_time,
    ln(close::double / lag(close::double) over (partition by source, symbol order by open_time)) as log_return
  from market.klines
  where interval = '1d'
    and open_time > (select max(open_time) from market.klines where interval = '1d') - to_days($days::integer)
)
select source, symbol, count(log_return) as returns, stddev_samp(log_return) * sqrt(365) as volatility
from returns
group by source, symbol
having count(log_return) >= $returns
order by volatility desc
