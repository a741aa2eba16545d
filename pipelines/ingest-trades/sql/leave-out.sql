-- Valid lines that are not written: the later ones of an id, and those held already. Few, except in a second replay.
create or replace temp table left_out as
select line_number from later where same
union
select c.line_number
from checked c
join held h on h.source = c.source and h.listing = c.listing and c.trade_id >= h.lo and c.trade_id < h.hi
where c.refused is null
