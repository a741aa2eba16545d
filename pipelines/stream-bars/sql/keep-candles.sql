-- Keeps bars that are new or not as they were, and answers these. $1 records as JSON, in the order of the key.
insert into stream.candles as known (source, symbol, "interval", open_us, bar, is_complete, is_filled)
select bar->>'source', bar->>'symbol', bar->>'interval', (bar->>'open_us')::bigint, bar,
       (bar->>'is_complete')::boolean, (bar->>'is_filled')::boolean
  from unnest($1::jsonb[]) as t(bar)
on conflict (source, symbol, "interval", open_us) do update
  set revision = known.revision + 1, bar = excluded.bar, is_complete = excluded.is_complete,
      is_filled = excluded.is_filled, sent = false, committed = false, changed_at = clock_timestamp()
where known.bar <> excluded.bar
returning source, symbol, "interval", open_us, revision
