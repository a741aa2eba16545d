-- Trades that are held with another content than the file has; channels differ in precision of time below the millisecond.
select h.trade_id
from held_rows h join checked c using (trade_id)
where h.price <> c.price or h.volume <> c.volume or h.side <> c.side
   or epoch_us(h.timestamp) // 1000 <> c.timestamp_us // 1000
order by h.trade_id
