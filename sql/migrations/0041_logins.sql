-- Up Migration

-- A role that has only its own login waits until the schema is at its version, so it must see which that is.
grant select on ticklake_migrations to ticklake_ingest, ticklake_api, ticklake_analyst;

-- An owner that is no superuser may have made the groups without being allowed to act as them (Postgres 16 and newer).
do $$
declare
  name text;
begin
  if current_setting('is_superuser') = 'off' then
    foreach name in array array['ticklake_ingest', 'ticklake_api', 'ticklake_analyst'] loop
      begin
        execute format('grant %I to current_user', name);
      exception when insufficient_privilege then
        null;
      end;
    end loop;
  end if;
end $$;

-- Down Migration
revoke select on ticklake_migrations from ticklake_ingest, ticklake_api, ticklake_analyst;
