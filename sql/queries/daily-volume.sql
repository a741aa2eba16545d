-- What markets traded on each day, from the trades themselves: quote volume, average price by volume, and the takers' share that bought.
-- $days = 7: how many days, up to the newest that is held
select
  date,
  source,
  symbol,
  count(*) as trades,
  sum(price::double * volume::double) as quote_volume,
  sum(price::double * volume::double) / sum(volume::double) as vwap,
  sum(volume::double) filter (side = 'buy') / sum(volume::double) as bought_by_takers
from market.trades
where date > (select max(date) from market.trades) - $days::integer
group by date, source, symbol
order by date desc, quote_volume desc
