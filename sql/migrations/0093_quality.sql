-- Up Migration

-- Bars of which a commit brought another revision: what is made of them is to be made again.
alter table lake.commits add column ranges_revised jsonb not null default '[]';

create schema quality;

-- What each mart was last made of, by interval. It counts unless the mart was changed since by anything but its publishing
-- and upkeep.
create table quality.published (
  table_name text not null,
  "interval" text not null,
  commit_id uuid not null references lake.commits,
  -- Table → the newest commit of it (lake.commits.seq) whose rows are in the mart.
  sources jsonb not null,
  -- Of the SQL it was made by, and of the files that were compiled to it.
  sql_sha256 text not null,
  project_sha256 text not null,
  published_at timestamptz not null default clock_timestamp(),
  primary key (table_name, "interval")
);

-- Runs of the transforms that came as far as dbt.
create table quality.runs (
  run_id uuid primary key,
  invocation_id text not null,
  code_version text not null,
  started_at timestamptz not null,
  ended_at timestamptz not null default clock_timestamp(),
  -- What became of each mart.
  marts jsonb not null
);
create index runs_by_time on quality.runs (ended_at);

-- What each data test last said of a relation; a row a test.
create table quality.tests (
  test text primary key,
  -- The relation tested, as `features.indicators`.
  relation text not null,
  "column" text,
  status text not null check (status in ('pass', 'warn', 'fail', 'error', 'skipped')),
  severity text not null,
  -- Rows that failed, and a few of them.
  failures bigint,
  examples jsonb not null default '[]',
  message text,
  run_id uuid not null,
  checked_at timestamptz not null default clock_timestamp(),
  -- Since when it has not passed.
  failing_since timestamptz
);
create index tests_by_relation on quality.tests (relation);

grant usage on schema quality to ticklake_ingest, ticklake_api;
grant select, insert, update, delete on all tables in schema quality to ticklake_ingest;
grant select on all tables in schema quality to ticklake_api;

-- Down Migration
drop schema quality cascade;
alter table lake.commits drop column ranges_revised;
