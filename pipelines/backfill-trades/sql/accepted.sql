-- Trades of the file that are not held, as rows of the lake.
create or replace temp view accepted as
select
  $symbol as symbol, make_timestamptz(c.timestamp_us) as timestamp, c.price, c.volume, c.side, c.trade_id,
  $source as source, $processing_time::timestamptz as processing_time, make_timestamp(c.timestamp_us)::date as date
from checked c
$held
where $is_new
