-- Venues of which bars of a market are held, or closed of late.
select source
from lake.coverage
where table_name = any($1) and listing like $2 || '#%' and "interval" = $3
union
select source
from stream.candles
where symbol = $2 and "interval" = $3
order by source
