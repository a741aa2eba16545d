-- Refused lines, in the order of the log.
select line_number, source, symbol, listing, trade_id, by_stream, refused as reason
from checked
where refused is not null
order by line_number
