-- Up Migration

-- Which days of trades candles were made of: a day is due again when a later commit touched its ids or its neighbours'.
create table lake.candle_days (
  source text not null,
  listing text not null,
  day date not null,
  -- The newest commit of market.trades that all intervals were made after; null until all were made.
  trades_seq bigint,
  -- Grows with each build: who made revisions beside another build finds it changed, and makes them again.
  builds bigint not null,
  -- Whether all ids wanted of the day were held then: its first and last bars follow from it.
  is_whole boolean not null,
  built_at timestamptz not null default clock_timestamp(),
  primary key (source, listing, day)
);

-- Where two channels do not say the same of a bar. The same difference is one row, however often it is found.
create table lake.reconciliation (
  -- The table whose bar was checked.
  table_name text not null,
  source text not null,
  symbol text not null,
  "interval" text not null,
  open_time timestamptz not null,
  -- The column; `bar` where one channel has no bar.
  field text not null,
  -- Channel (rest, klines, candles) → what it says, as text; null where it has no bar.
  by_channel jsonb not null,
  -- The channel to believe, and why.
  trusted text not null,
  reason text not null,
  -- Who found it: a run of the job, or a command.
  run text not null,
  found_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp(),
  -- When the channels were first seen to agree again.
  resolved_at timestamptz,
  primary key (table_name, source, symbol, "interval", open_time, field)
);
create index reconciliation_open on lake.reconciliation (found_at) where resolved_at is null;
create index reconciliation_resolved on lake.reconciliation (resolved_at) where resolved_at is not null;

grant select, insert, update, delete on lake.candle_days, lake.reconciliation to ticklake_ingest;
grant select on lake.candle_days, lake.reconciliation to ticklake_api;

-- Down Migration
drop table lake.reconciliation, lake.candle_days;
