-- Trades of one market with ids in a span, highest id first.
select trade_id, price, volume, side, epoch_us(timestamp) as timestamp_us
from trades
where source = $source and symbol = $symbol and trade_id >= $lo and trade_id < $hi
order by trade_id desc
limit $limit
