-- How far each market once fell from its highest daily close before, and how far it is below it at the newest.
with peaks as (
  select
    source,
    symbol,
    open_time,
    close::double as close,
    max(close::double) over (partition by source, symbol order by open_time) as peak
  from market.klines
  where interval = '1d'
)
select
  source,
  symbol,
  min(close / peak - 1) as deepest,
  arg_min(open_time, close / peak) as deepest_at,
  arg_max(close / peak - 1, open_time) as newest
from peaks
group by source, symbol
order by deepest, source, symbol
