-- Trades that are held with another content than the file has; channels differ in precision of time below the millisecond.
create or replace temp table differing as
with again as (
  select c.* from checked c asof join held h on c.trade_id >= h.lo where c.trade_id < h.hi
)
select
  a.trade_id, a.trade_id - row_number() over (order by a.trade_id) as run,
  case when h.trade_id is not null
       then {price: h.price::varchar, volume: h.volume::varchar, side: h.side, timestampUs: epoch_us(h.timestamp)} end as held,
  {price: a.price::varchar, volume: a.volume::varchar, side: a.side, timestampUs: a.timestamp_us} as found
from again a
left join held_rows h using (trade_id)
where h.trade_id is null or h.price <> a.price or h.volume <> a.volume or h.side <> a.side
   or epoch_us(h.timestamp) // 1000 <> a.timestamp_us // 1000
