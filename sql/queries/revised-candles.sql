-- Bars of ours that were revised because trades came late, with the first and the latest of what they said.
select
  source,
  symbol,
  interval,
  open_time,
  max(revision) as revisions,
  arg_min(close, revision) as first_close,
  arg_max(close, revision) as latest_close,
  arg_max(trade_count, revision) - arg_min(trade_count, revision) as trades_more,
  max(computed_at) - min(computed_at) as settled_after
from market.candles_revisions
group by source, symbol, interval, open_time
having max(revision) > 1
order by open_time desc, source, symbol
