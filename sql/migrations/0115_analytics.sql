-- Up Migration

-- Figures of portfolios, added up from their events by the hours they happened in. A consumer of the role `events` keeps them:
-- those of a portfolio are of its events up to events.progress, and whoever wants what has happened since adds the rest.
create schema analytics;

-- What came to be of an asset in an hour, less what went.
create table analytics.changes (
  portfolio_id uuid not null,
  hour_us bigint not null,
  asset text not null,
  amount numeric not null,
  -- Deposits and withdrawals of it.
  flows bigint not null,
  -- The first and the last event that changed it.
  number_first bigint not null,
  number_last bigint not null,
  primary key (portfolio_id, hour_us, asset)
) with (fillfactor = 70);

-- Fills of a market and side in an hour; money is in the quote asset.
create table analytics.fills (
  portfolio_id uuid not null,
  hour_us bigint not null,
  source text not null,
  symbol text not null,
  side text not null check (side in ('buy', 'sell')),
  quote text not null,
  fills bigint not null,
  quantity numeric not null,
  volume numeric not null,
  fees numeric not null,
  realized_average numeric not null,
  realized_fifo numeric not null,
  primary key (portfolio_id, hour_us, source, symbol, side)
) with (fillfactor = 70);
create index fills_by_hour on analytics.fills (hour_us);

-- How many events of a type there were in an hour.
create table analytics.activity (
  portfolio_id uuid not null,
  hour_us bigint not null,
  type text not null,
  events bigint not null,
  primary key (portfolio_id, hour_us, type)
) with (fillfactor = 70);

-- What venues' clocks said at times of ours, where they did not go on with ours: prices are known by the venue's time.
create table ingest.clocks (
  source text not null,
  noted_us bigint not null,
  time_us bigint not null,
  primary key (source, noted_us)
);

create function ingest.keep_clock() returns trigger language plpgsql set search_path = '' as $$
declare
  noted constant bigint := (extract(epoch from new.noted_at) * 1000000)::bigint;
  last ingest.clocks;
begin
  select c.* into last from ingest.clocks c where c.source = new.source order by c.noted_us desc limit 1;
  if last.source is null
    or (noted - last.noted_us >= 60000000
      and abs((noted - last.noted_us) - (new.time_us - last.time_us)) > 5000000)
  then
    insert into ingest.clocks (source, noted_us, time_us) values (new.source, noted, new.time_us)
    on conflict do nothing;
  end if;
  return null;
end $$;
create trigger keep_clock after insert or update on ingest.venues
  for each row execute function ingest.keep_clock();

grant usage on schema analytics to ticklake_events, ticklake_api;
grant select, insert, update on all tables in schema analytics to ticklake_events;
grant select on all tables in schema analytics to ticklake_api;
grant usage on schema events to ticklake_api;
grant select on events.progress to ticklake_api;
grant select, insert on ingest.clocks to ticklake_ingest;
grant select on ingest.clocks to ticklake_api;

-- Down Migration
drop trigger keep_clock on ingest.venues;
drop function ingest.keep_clock();
drop table ingest.clocks;
revoke select on events.progress from ticklake_api;
drop schema analytics cascade;
