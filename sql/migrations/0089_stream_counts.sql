-- Up Migration

-- What was said since the beginning, revisions included: one row.
create table stream.counts (
  only_row boolean primary key default true check (only_row),
  candles bigint not null default 0,
  signals bigint not null default 0
);
insert into stream.counts default values;

grant select, update on stream.counts to ticklake_ingest;
grant select on stream.counts to ticklake_api;

-- Down Migration
drop table stream.counts;
