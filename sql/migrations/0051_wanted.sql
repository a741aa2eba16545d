-- Up Migration

-- Windows that shall be complete: ids for trades, open times for bars, half-open. What of them is neither held nor
-- explained is a gap, also before the first and after the last that is held. Windows may overlap.
create table lake.wanted (
  table_name text not null,
  source text not null,
  listing text not null,
  "interval" text not null default '',
  lo bigint not null,
  hi bigint not null,
  -- The rank of the coin when it was wanted: the more liquid come first.
  rank integer not null,
  wanted_at timestamptz not null default clock_timestamp(),
  primary key (table_name, source, listing, "interval", lo),
  check (lo < hi)
);
grant select, insert, update, delete on lake.wanted to ticklake_ingest;
grant select on lake.wanted to ticklake_api;

-- Down Migration
drop table lake.wanted;
