-- Trades that stand in the file more than once: the first of those that are equal stays, one that differs is refused.
create or replace temp table checked as
select
  * replace (
    case when row_number() over (partition by trade_id order by line) > 1
         then 'id stands there twice, with different contents' else refused end as refused
  )
from checked
qualify row_number() over (partition by trade_id, price, volume, timestamp_us, side order by line) = 1
