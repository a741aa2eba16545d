-- Runs of neighbouring bars that are new, and of those that are revised.
with numbered as (
  select listing, "interval", is_revised, epoch_us(open_time) as open_us,
         epoch_us(close_time) + 1 - epoch_us(open_time) as step_us,
         open_us - step_us * row_number() over (partition by listing, "interval", is_revised order by open_time) as run
  from revisions
)
select listing, "interval", is_revised, min(open_us) as lo, max(open_us + step_us) as hi
from numbered
group by listing, "interval", is_revised, run
order by all
