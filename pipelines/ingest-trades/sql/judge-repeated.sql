-- Later lines of a repeated id: a duplicate where the content is the first's, else refused. Times are compared to
-- the millisecond, as a venue's channels differ in precision.
create or replace temp table later as
select c.line_number,
       (c.price, c.volume, c.side, c.timestamp_us // 1000) = (f.price, f.volume, f.side, f.timestamp_us // 1000) as same
from repeated r
join checked c on c.source = r.source and c.symbol = r.symbol and c.trade_id = r.trade_id and c.line_number > r.first_line
join checked f on f.line_number = r.first_line
where c.refused is null;

update checked set refused = 'differs from the first record with its id in the batch'
where line_number in (select line_number from later where not same)
