-- Bars that are kept and that the lake has not yet, as one JSON array. $1 source, $2 symbols, $3 interval, $4 from when on.
select coalesce(jsonb_agg(bar), '[]')::text as bars
  from stream.candles
 where source = $1 and symbol = any($2) and "interval" = $3 and open_us >= $4 and not committed
