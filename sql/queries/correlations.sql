-- How the daily log returns of markets go together, pair by pair, most alike first.
-- $days = 90: how many days back
-- $returns = 20: how many days two markets must have in common
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
select a.source, a.symbol as one, b.symbol as other, count(*) as days, corr(a.log_return, b.log_return) as correlation
from returns as a
join returns as b on a.source = b.source and a.open_time = b.open_time and a.symbol < b.symbol
where a.log_return is not null and b.log_return is not null
group by a.source, a.symbol, b.symbol
having count(*) >= $returns
order by correlation desc
