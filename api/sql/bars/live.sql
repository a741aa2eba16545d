-- Bars of one market that closed of late, the newest first.
select open_us, bar || jsonb_build_object('revision', revision) as bar
from stream.candles
where source = $1 and symbol = $2 and "interval" = $3 and open_us >= $4 and open_us < $5
order by open_us desc
limit $6
