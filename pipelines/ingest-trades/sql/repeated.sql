-- Ids that stand more than once in the batch, with the line that came first.
create or replace temp table repeated as
select source, symbol, trade_id, min(line_number) as first_line
from checked
where refused is null
group by source, symbol, trade_id
having count(*) > 1
