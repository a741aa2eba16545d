-- What is held of trades, by venue and market: how many, from when to when, and how many ids are missing between the first and the last.
select
  source,
  symbol,
  count(*) as trades,
  min(timestamp) as first_at,
  max(timestamp) as last_at,
  max(trade_id) - min(trade_id) + 1 - count(*) as ids_missing
from market.trades
group by source, symbol
order by trades desc, source, symbol
