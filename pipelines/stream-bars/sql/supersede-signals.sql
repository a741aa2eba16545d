-- Signals stand, but their bars have another revision now. $1 sources, $2 symbols, $3 intervals, $4 open times.
update stream.signals s
   set superseded_at = clock_timestamp()
  from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) as t(source, symbol, "interval", open_us)
 where s.source = t.source and s.symbol = t.symbol and s."interval" = t."interval" and s.superseded_at is null
   and s.open_time = 'epoch'::timestamptz + t.open_us * interval '1 microsecond'
