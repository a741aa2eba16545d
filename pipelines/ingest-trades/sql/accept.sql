-- Rows to be written: valid, the first of their id, and not held yet.
create or replace temp table accepted as
select
  c.symbol, make_timestamptz(c.timestamp_us) as timestamp, c.price, c.volume, c.side, c.trade_id, c.source,
  $processing_time::timestamptz as processing_time, make_timestamptz(c.timestamp_us)::date as date,
  c.listing, c.by_stream
from checked c
where c.refused is null
  and c.line_number not in (select line_number from later where same)
  and not exists (
    from held h
    where h.source = c.source and h.listing = c.listing and c.trade_id >= h.lo and c.trade_id < h.hi
  )
