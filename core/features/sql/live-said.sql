-- Of each market and length the newest bar with trades among those that were said.
select source, symbol, "interval", max(epoch_us(open_time)) as open_us, max(last_trade_id) as last_trade_id
from live.closed
where last_trade_id is not null
group by source, symbol, "interval"
