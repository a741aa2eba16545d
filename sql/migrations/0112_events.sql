-- Up Migration

-- The role that tells of what has happened in trading: it reads events and the tape, moves no money, and changes no order.
do $$
begin
  create role ticklake_events nologin;
exception when duplicate_object or unique_violation then
  null;
end $$;

-- See 0041: an owner that is no superuser, and a role that has only its own login.
do $$
begin
  if current_setting('is_superuser') = 'off' then
    grant ticklake_events to current_user;
  end if;
exception when insufficient_privilege then
  null;
end $$;

create schema events;

-- How far a consumer has come with a portfolio: what it made of the events up to this one was written with it.
create table events.progress (
  consumer text not null,
  portfolio_id uuid not null,
  number bigint not null check (number >= 0),
  primary key (consumer, portfolio_id)
) with (fillfactor = 50);

grant usage on schema public, events, log, trading, ingest to ticklake_events;
grant select on ticklake_migrations to ticklake_events;
grant select, insert, update on events.progress to ticklake_events;
grant select on trading.portfolios, trading.heads, trading.events to ticklake_events;
grant select on ingest.symbols, ingest.venues to ticklake_events;
-- It reads topics and keeps its places in them, but appends nothing.
grant select on all tables in schema log to ticklake_events;
grant insert, update on log.topics, log.partitions, log.offsets to ticklake_events;

-- Down Migration
revoke all on log.topics, log.partitions, log.offsets from ticklake_events;
revoke select on all tables in schema log from ticklake_events;
revoke select on ingest.symbols, ingest.venues, ticklake_migrations from ticklake_events;
revoke select on trading.portfolios, trading.heads, trading.events from ticklake_events;
drop schema events cascade;
revoke usage on schema public, log, trading, ingest from ticklake_events;
