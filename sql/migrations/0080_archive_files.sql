-- Up Migration

-- Files of bulk archives whose rows the lake took, as they were when they were taken or restated last.
create table lake.archive_files (
  source text not null,
  -- From the archive's root: data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-03-05.zip
  path text not null,
  kind text not null,
  symbol text not null,
  "interval" text not null default '',
  -- Of the zip, as published.
  sha256 text not null,
  -- Which of its rows were taken: ids, or open times in microseconds up to the open time after the last.
  keys int8multirange not null,
  rows bigint not null,
  commit_id uuid not null references lake.commits,
  taken_at timestamptz not null default clock_timestamp(),
  -- When its published checksum was asked for last, and what came of it; null before.
  checked_at timestamptz,
  verdict text check (verdict in ('same', 'restated', 'vanished', 'damaged')),
  detail text,
  primary key (source, path)
);
create index archive_files_by_check on lake.archive_files (source, coalesce(checked_at, taken_at));

-- Every hash that a file was taken with.
create table lake.archive_versions (
  version_id bigint generated always as identity primary key,
  source text not null,
  path text not null,
  sha256 text not null,
  rows bigint not null,
  commit_id uuid not null references lake.commits,
  taken_at timestamptz not null default clock_timestamp(),
  foreign key (source, path) references lake.archive_files
);
create index archive_versions_by_file on lake.archive_versions (source, path);

-- What became of files that the archive had replaced.
create table lake.restatements (
  restatement_id bigint generated always as identity primary key,
  source text not null,
  path text not null,
  table_name text not null,
  symbol text not null,
  "interval" text not null default '',
  old_sha256 text not null,
  new_sha256 text not null,
  rows_added bigint not null,
  rows_removed bigint not null,
  rows_changed bigint not null,
  -- Some of the differences, with the row as it was and as it is.
  sample jsonb not null,
  commit_id uuid not null references lake.commits,
  -- Null where the rows were the same, so that nothing was replaced.
  snapshot_before bigint,
  snapshot_after bigint,
  -- Keeps the snapshot before.
  tag text,
  reason text not null,
  restated_at timestamptz not null default clock_timestamp(),
  foreign key (source, path) references lake.archive_files
);
create index restatements_by_time on lake.restatements (restated_at);

grant select, insert, update on lake.archive_files to ticklake_ingest;
grant select, insert on lake.archive_versions, lake.restatements to ticklake_ingest;
grant select on lake.archive_files, lake.archive_versions, lake.restatements to ticklake_api;

-- Down Migration
drop table lake.restatements, lake.archive_versions, lake.archive_files;
