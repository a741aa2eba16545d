-- Up Migration

-- Rights go to these groups; logins are members of them. Roles belong to the whole server, so they may exist.
do $$
declare
  name text;
begin
  foreach name in array array['ticklake_ingest', 'ticklake_api', 'ticklake_analyst'] loop
    begin
      execute format('create role %I nologin', name);
    exception when duplicate_object or unique_violation then
      null;
    end;
  end loop;
end $$;

revoke create on schema public from public;
grant usage on schema public to ticklake_ingest, ticklake_api, ticklake_analyst;

-- Down Migration
