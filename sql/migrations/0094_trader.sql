-- Up Migration

-- The role that executes orders on paper: it reads markets and the log, and moves orders; it never sees users.
do $$
begin
  create role ticklake_trader nologin;
exception when duplicate_object or unique_violation then
  null;
end $$;

-- See 0041: an owner that is no superuser, and a role that has only its own login.
do $$
begin
  if current_setting('is_superuser') = 'off' then
    grant ticklake_trader to current_user;
  end if;
exception when insufficient_privilege then
  null;
end $$;

grant usage on schema public, ingest, log to ticklake_trader;
grant select on ticklake_migrations to ticklake_trader;
grant select on ingest.symbols, ingest.venues to ticklake_trader;
-- It reads the tape and appends what has happened to orders.
grant select, insert, update on all tables in schema log to ticklake_trader;

-- Down Migration
revoke select on ingest.symbols, ingest.venues, ticklake_migrations from ticklake_trader;
revoke all on all tables in schema log from ticklake_trader;
revoke usage on schema public, ingest, log from ticklake_trader;
