-- Runs of neighbouring bars that are new.
with numbered as (
  select listing, "interval", epoch_us(open_time) as open_us, epoch_us(close_time) + 1 - epoch_us(open_time) as step_us,
         open_us - step_us * row_number() over (partition by listing, "interval" order by open_time) as run
  from revisions
  where revision = 1
)
select listing, "interval", min(open_us) as lo, max(open_us + step_us) as hi
from numbered
group by listing, "interval", run
order by all
