-- Where a late trade came, bars are said from the one with trades before it on.
update live.due
set from_us = before.open_us
from (
  select source, symbol, "interval", max(p.open_us) as open_us
  from live.in_parts p
  join live.due d using (source, symbol, "interval")
  where d.is_late and p.open_us < d.from_us and p.open_us >= d.floor_us
  group by source, symbol, "interval"
) before
where live.due.source = before.source and live.due.symbol = before.symbol and live.due."interval" = before."interval";
