-- Up Migration

-- Where another source says other than what is held: runs of keys whose content differs. What is held stays; this is
-- what reconciliation and restatement judge.
create table lake.differences (
  table_name text not null,
  source text not null,
  listing text not null,
  "interval" text not null default '',
  -- Ids, or open times in microseconds; half-open.
  lo bigint not null,
  hi bigint not null,
  -- How many keys of the run differ: all of it, but in the run that stands for what exceeds the bound of one commit.
  keys bigint not null,
  -- The run's first row as it is held (null where it is held at another time) and as the other source has it.
  held jsonb,
  found jsonb not null,
  -- The file of the archive, or `rest`.
  origin text not null,
  -- Of the file's zip; empty for REST.
  sha256 text not null default '',
  commit_id uuid not null references lake.commits,
  noted_at timestamptz not null default clock_timestamp(),
  primary key (table_name, source, listing, "interval", lo, origin, sha256),
  check (lo < hi and keys between 1 and hi - lo)
);
create index differences_by_time on lake.differences (noted_at);

grant select, insert on lake.differences to ticklake_ingest;
grant select on lake.differences to ticklake_api;

-- Down Migration
drop table lake.differences;
