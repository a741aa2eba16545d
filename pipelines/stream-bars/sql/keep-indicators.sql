-- Keeps the newest row of each market and interval; a row of the same bar that is another has a later revision. $1 records
-- as JSON.
insert into stream.indicators as known (source, symbol, "interval", open_us, revision, record)
select record->>'source', record->>'symbol', record->>'interval', (record->>'open_us')::bigint,
       (record->>'revision')::integer, record
  from unnest($1::jsonb[]) as t(record)
on conflict (source, symbol, "interval") do update
  set open_us = excluded.open_us, sent = false,
      revision = case when known.open_us = excluded.open_us
                      then greatest(excluded.revision, known.revision + 1) else excluded.revision end,
      record = excluded.record || jsonb_build_object(
                 'revision', case when known.open_us = excluded.open_us
                                  then greatest(excluded.revision, known.revision + 1) else excluded.revision end)
where known.open_us <= excluded.open_us and known.record - 'revision' <> excluded.record - 'revision'
