-- Up Migration

-- A schema of its own, as who only reads the lake writes it.
create schema reads;

-- Who reads the lake, a row a process: files that were of the tables at `since` or later may be open until then.
create table reads.leases (
  holder uuid primary key,
  since timestamptz not null,
  until timestamptz not null
);

-- Files that nothing of their table reaches. One that is condemned is being deleted: no commit may bring it any more.
create table lake.retired_files (
  path text primary key,
  table_name text not null,
  bytes bigint not null,
  retired_at timestamptz not null default clock_timestamp(),
  condemned_at timestamptz
);
create index retired_files_by_table on lake.retired_files (table_name, retired_at);

-- Says that the holder reads the lake, and has done so since p_since (null: since just now). Answers a time that every
-- read begun after the answer is later than.
create function reads.hold_lease(p_holder uuid, p_since timestamptz, p_seconds integer)
returns timestamptz language plpgsql as $$
declare
  -- A reader's transaction may have begun a little before it.
  now_less timestamptz := clock_timestamp() - interval '1 minute';
begin
  insert into reads.leases values
    (p_holder, coalesce(p_since, now_less), clock_timestamp() + make_interval(secs => p_seconds))
  on conflict (holder) do update set since = excluded.since, until = excluded.until;
  return now_less;
end $$;

grant usage on schema reads to ticklake_ingest, ticklake_api;
grant select, insert, update on reads.leases to ticklake_ingest, ticklake_api;
grant delete on reads.leases to ticklake_ingest;
grant select, insert, update, delete on lake.retired_files to ticklake_ingest;
grant delete on lake.data_files to ticklake_ingest;
grant select on lake.retired_files to ticklake_api;

-- Down Migration
revoke delete on lake.data_files from ticklake_ingest;
drop table lake.retired_files;
drop schema reads cascade;
