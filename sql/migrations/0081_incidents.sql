-- Up Migration

-- The venue's words for a listing's status, one span after the other, by its clock at each discovery.
create table universe.statuses (
  source text not null,
  symbol text not null,
  number integer not null,
  status text not null,
  first_seen_us bigint not null,
  last_seen_us bigint not null,
  primary key (source, symbol, number, first_seen_us),
  check (first_seen_us <= last_seen_us)
);
grant select, insert, update on universe.statuses to ticklake_ingest;
grant select on universe.statuses to ticklake_api, ticklake_analyst;

-- What befell a venue or a market, and how we know. A row says what was known in [recorded_at, superseded_at); rows are
-- never changed but for being superseded by what was found out later.
create table lake.incidents (
  incident_id bigint generated always as identity primary key,
  source text not null,
  -- Null: the whole venue.
  symbol text,
  kind text not null check (kind in ('outage', 'halt', 'delisting', 'relisting', 'maintenance')),
  -- The venue's time, microseconds since 1970, half-open; without an end until further notice.
  from_us bigint not null,
  to_us bigint check (to_us > from_us),
  cause text not null,
  evidence jsonb not null,
  -- The rule: silence, status, universe; or who said so.
  found_by text not null,
  recorded_at timestamptz not null default clock_timestamp(),
  superseded_at timestamptz not null default 'infinity'
);
create unique index incidents_current on lake.incidents (source, coalesce(symbol, ''), kind, from_us)
  where superseded_at = 'infinity';
grant select, insert on lake.incidents to ticklake_ingest;
grant update (superseded_at) on lake.incidents to ticklake_ingest;
grant select on lake.incidents to ticklake_api;

-- Down Migration
drop table lake.incidents;
drop table universe.statuses;
