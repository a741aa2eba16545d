-- Up Migration

-- What the role `stream` said of late: bars at their close, the newest indicators, and all signals. Records are JSON as
-- the topics `candlesticks`, `indicators` and `signals` carry them; what is not yet `sent` goes to its topic next.
create schema stream;

-- Closed bars of 1m and longer, each with its latest revision.
create table stream.candles (
  source text not null,
  symbol text not null,
  "interval" text not null,
  open_us bigint not null,
  revision integer not null default 1,
  -- The record but for its revision.
  bar jsonb not null,
  is_complete boolean not null,
  is_filled boolean not null,
  sent boolean not null default false,
  -- Whether market.candles has this revision.
  committed boolean not null default false,
  changed_at timestamptz not null default clock_timestamp(),
  primary key (source, symbol, "interval", open_us)
);
create index candles_not_sent on stream.candles (changed_at) where not sent;
create index candles_not_committed on stream.candles (changed_at) where not committed;
create index candles_by_age on stream.candles (open_us);

-- The newest row of each market and interval.
create table stream.indicators (
  source text not null,
  symbol text not null,
  "interval" text not null,
  open_us bigint not null,
  revision integer not null,
  record jsonb not null,
  sent boolean not null default false,
  primary key (source, symbol, "interval")
);
create index indicators_not_sent on stream.indicators (source) where not sent;

-- Every signal once, whatever its bar becomes later.
create table stream.signals (
  signal_id uuid primary key,
  strategy text not null,
  version text not null,
  source text not null,
  symbol text not null,
  "interval" text not null,
  -- Of the bar it was said at, whose close it follows.
  open_time timestamptz not null,
  signal text not null check (signal in ('BUY', 'SELL')),
  price numeric not null,
  reason text not null,
  sma_50 double precision not null,
  sma_200 double precision not null,
  -- The revision of the bar that it was said of.
  revision integer not null,
  -- When a later revision of the bar came: the signal stands.
  superseded_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  sent boolean not null default false,
  unique (strategy, source, symbol, "interval", open_time)
);
create index signals_not_sent on stream.signals (created_at) where not sent;
create index signals_by_time on stream.signals (open_time, signal_id);

grant usage on schema stream to ticklake_ingest, ticklake_api;
grant select, insert, update, delete on stream.candles, stream.indicators to ticklake_ingest;
grant select, insert, update on stream.signals to ticklake_ingest;
grant select on all tables in schema stream to ticklake_api;

-- Down Migration
drop schema stream cascade;
