-- Bars to be committed: those that are whole, and others when nothing has come to them for $1 milliseconds. That nothing was
-- traded is committed only when it is proven. At most $2, the oldest first.
select c.source, c.symbol, c."interval", c.open_us, c.revision, s.listing,
       (c.bar || jsonb_build_object('revision', c.revision, 'listing', s.listing))::text as record
  from stream.candles c
  join ingest.symbols s using (source, symbol)
 where not c.committed
   and (c.is_complete or (not c.is_filled and c.changed_at <= clock_timestamp() - make_interval(secs => $1 / 1000.0)))
 order by c.changed_at
 limit $2
