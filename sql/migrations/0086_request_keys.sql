-- Up Migration

-- Idempotency keys of requests that joined a run: asked for again after its end, they stand for that run too.
create table jobs.request_keys (
  idempotency_key text primary key,
  run_id uuid not null references jobs.runs on delete cascade,
  job text not null,
  params_hash text not null,
  asked_at timestamptz not null default clock_timestamp()
);
create index request_keys_by_run on jobs.request_keys (run_id);
grant select, insert, delete on jobs.request_keys to ticklake_ingest;
grant select, insert on jobs.request_keys to ticklake_api;

-- Down Migration
drop table jobs.request_keys;
