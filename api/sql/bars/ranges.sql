-- Where bars of one market are held, by the ledger, the newest first.
select lo, hi
from lake.coverage
where table_name = any($1) and source = $2 and listing like $3 || '#%' and "interval" = $4 and hi > $5 and lo < $6
order by lo desc
limit $7
