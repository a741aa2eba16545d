-- Up Migration

-- Explanations that no longer stand, as what they explained is held since or was explained anew: with them an earlier
-- state of a table is told as it was known then.
create table lake.explained_before (
  table_name text not null,
  source text not null,
  listing text not null,
  "interval" text not null,
  lo bigint not null,
  hi bigint not null,
  cause text not null,
  detail text,
  explained_at timestamptz not null,
  ended_at timestamptz not null default clock_timestamp()
);
create index explained_before_by_listing on lake.explained_before (table_name, source, listing, "interval");

create function lake.keep_explained() returns trigger language plpgsql as $$
begin
  insert into lake.explained_before
  values (old.table_name, old.source, old.listing, old."interval", old.lo, old.hi, old.cause, old.detail,
          old.explained_at);
  return null;
end $$;
create trigger keep_explained after delete on lake.explained for each row execute function lake.keep_explained();

grant select, insert on lake.explained_before to ticklake_ingest;
grant select on lake.explained_before to ticklake_api;

-- Down Migration
drop trigger keep_explained on lake.explained;
drop function lake.keep_explained;
drop table lake.explained_before;
