-- Runs of neighbouring bars of each coin.
with numbered as (
  select listing, "interval", open_us, step_us,
         open_us - step_us * row_number() over (partition by listing, "interval" order by open_us) as run
  from $bars
)
select listing, "interval", min(open_us) as lo, max(open_us + step_us) as hi
from numbered group by listing, "interval", run order by all
