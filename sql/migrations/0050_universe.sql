-- Up Migration
create schema universe;

-- Coins that had a symbol name, one after the other: `number` tells them apart, its listing is `<symbol>#<number>`.
-- Times are the venue's, microseconds since 1970.
create table universe.listings (
  source text not null,
  symbol text not null,
  number integer not null check (number > 0),
  listing text not null generated always as (symbol || '#' || number) stored,
  base text not null,
  quote text not null,
  status text not null,
  -- Open time of its first minute bar; null until asked for.
  listed_us bigint,
  -- End of its last minute bar, or when it was seen gone; null while it is listed.
  delisted_us bigint,
  last_trade_id bigint not null default -1,
  -- When it was last seen trading.
  seen_us bigint not null,
  primary key (source, symbol, number)
);

-- Every discovery: when it holds from at the venue, when we knew, by which rules, and what was dropped for which reason.
create table universe.discoveries (
  discovery_id bigint generated always as identity primary key,
  source text not null,
  valid_from timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  rules jsonb not null,
  chosen integer not null,
  -- Reason → symbols.
  dropped jsonb not null
);
create index discoveries_by_time on universe.discoveries (source, valid_from, recorded_at);

-- The universe, bitemporal: a row says what holds at the venue in [valid_from, valid_to), and was what we knew in
-- [recorded_at, superseded_at). Rows are never changed but for being superseded.
create table universe.members (
  source text not null,
  symbol text not null,
  listing_id text not null,
  base text not null,
  quote text not null,
  status text not null,
  filters jsonb not null,
  rank integer not null,
  liquidity double precision not null,
  valid_from timestamptz not null,
  valid_to timestamptz not null default 'infinity',
  recorded_at timestamptz not null,
  superseded_at timestamptz not null default 'infinity',
  primary key (source, symbol, valid_from, recorded_at),
  check (valid_from < valid_to and recorded_at < superseded_at)
);
create index members_current on universe.members (source) where superseded_at = 'infinity' and valid_to = 'infinity';

-- Ingest registers a market as the first coin of its name; where another is known to have the name, it is that one's.
create function universe.name_listing() returns trigger language plpgsql as $$
begin
  new.listing := coalesce(
    (select l.listing from universe.listings l where l.source = new.source and l.symbol = new.symbol
      order by l.number desc limit 1),
    new.listing);
  return new;
end $$;
create trigger name_listing before insert on ingest.symbols for each row execute function universe.name_listing();

grant usage on schema universe to ticklake_ingest, ticklake_api, ticklake_analyst;
grant select, insert, update on universe.listings to ticklake_ingest;
grant select, insert on universe.discoveries, universe.members to ticklake_ingest;
grant update (superseded_at) on universe.members to ticklake_ingest;
grant select on all tables in schema universe to ticklake_ingest, ticklake_api, ticklake_analyst;

-- Down Migration
drop trigger name_listing on ingest.symbols;
drop schema universe cascade;
