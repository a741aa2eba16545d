-- $1 sources, $2 symbols, $3 intervals, $4 open times, $5 revisions: one that was revised meanwhile is not committed yet.
update stream.candles c
   set committed = true
  from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::integer[])
    as t(source, symbol, "interval", open_us, revision)
 where c.source = t.source and c.symbol = t.symbol and c."interval" = t."interval" and c.open_us = t.open_us
   and c.revision = t.revision
