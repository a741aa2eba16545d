-- Runs of neighbouring bars of each market.
with numbered as (
  select symbol, "interval", open_us, step_us,
         open_us - step_us * row_number() over (partition by symbol, "interval" order by open_us) as run
  from accepted
)
select symbol, "interval", min(open_us) as lo, max(open_us + step_us) as hi
from numbered group by symbol, "interval", run order by all
