-- Up Migration
create schema ingest;

-- Markets that ingest knows: a trade of any other is refused.
create table ingest.symbols (
  source text not null,
  symbol text not null,
  listing text not null,
  base text not null,
  quote text not null,
  status text not null,
  tick_size text not null,
  step_size text not null,
  min_notional text not null,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (source, symbol)
);

-- A venue's clock as last read: its trades may not lie far beyond it. Simulated venues run ahead of ours.
create table ingest.venues (
  source text primary key,
  time_us bigint not null,
  noted_at timestamptz not null default clock_timestamp()
);

-- What became of the records of each batch, by the channel they came by; written in the batch's commit.
create table ingest.batches (
  commit_id uuid primary key references lake.commits,
  worker text not null,
  records_stream bigint not null,
  records_repair bigint not null,
  committed_stream bigint not null,
  committed_repair bigint not null,
  duplicates_stream bigint not null,
  duplicates_repair bigint not null,
  refused_stream bigint not null,
  refused_repair bigint not null
);

-- Every refused record, once, with where it stands in the log and why it was refused.
create table ingest.dead_letters (
  id bigint generated always as identity primary key,
  incarnation text not null,
  topic text not null,
  partition int not null,
  log_offset bigint not null,
  source text,
  symbol text,
  trade_id bigint,
  channel text not null,
  reason text not null,
  raw text not null,
  commit_id uuid not null references lake.commits,
  refused_at timestamptz not null default clock_timestamp(),
  replayed_at timestamptz,
  unique (incarnation, topic, partition, log_offset)
);

-- Offsets that the log could not serve: what was between is found again by id and repaired from REST.
create table ingest.jumps (
  id bigint generated always as identity primary key,
  incarnation text not null,
  topic text not null,
  partition int not null,
  wanted_offset bigint not null,
  actual_offset bigint not null,
  noticed_at timestamptz not null default clock_timestamp()
);

grant usage on schema ingest to ticklake_ingest, ticklake_api;
grant select, insert, update on ingest.symbols, ingest.venues, ingest.dead_letters to ticklake_ingest;
grant select, insert on ingest.batches, ingest.jumps to ticklake_ingest;
grant select on all tables in schema ingest to ticklake_ingest, ticklake_api;

-- Down Migration
drop schema ingest cascade;
