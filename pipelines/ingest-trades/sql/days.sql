-- First and last accepted id of each listing's UTC days.
select source, listing, date::varchar as day, min(trade_id) as first_id, max(trade_id) as last_id
from accepted
group by source, listing, date
