-- Of each market and interval only the newest row with a side is kept: crossings are looked for from it on. Where the averages
-- have begun anew since, none is.
insert into tail.sides
with marked as (
  select *, max(case when sma_200 is null then open_time end) over market as begun_at,
         max(case when abs(sma_50 - sma_200) > 1e-12 * sma_200 then open_time end) over market as sided_at
  from tail.rows
  window market as (partition by source, symbol, "interval")
)
select * exclude (begun_at, sided_at)
from marked
where open_time = sided_at and (begun_at is null or begun_at < sided_at)
