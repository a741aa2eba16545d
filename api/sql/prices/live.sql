-- Closes of minutes that the lake may not have yet. $1 source, $2 symbols, $3 and $4 open times in microseconds
select symbol, open_us + 60000000 as "closedUs", bar ->> 'close' as close
  from stream.candles
 where not committed and source = $1 and symbol = any($2) and "interval" = '1m' and open_us between $3 and $4
