-- Lowest and highest valid id of each listing: where to look for what is held already.
select source, listing, min(trade_id) as lo, max(trade_id) + 1 as hi
from checked
where refused is null
group by source, listing
