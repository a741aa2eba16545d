-- Runs of neighbouring bars of each file.
with numbered as (
  select file_no, open_us, step_us, open_us - step_us * row_number() over (partition by file_no order by open_us) as run
  from accepted
)
select file_no, min(open_us) as lo, max(open_us + step_us) as hi, count(*) as bars
from numbered group by file_no, run order by file_no, lo
