-- Keeps the newest row of each market and interval. $1 records as JSON.
insert into stream.indicators as known (source, symbol, "interval", open_us, revision, record)
select record->>'source', record->>'symbol', record->>'interval', (record->>'open_us')::bigint,
       (record->>'revision')::integer, record
  from unnest($1::jsonb[]) as t(record)
on conflict (source, symbol, "interval") do update
  set open_us = excluded.open_us, revision = excluded.revision, record = excluded.record, sent = false
where known.open_us <= excluded.open_us and known.record <> excluded.record
returning record::text as record
