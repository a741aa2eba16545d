-- Up Migration

-- The Iceberg catalog: the JDBC catalog's own tables, so that Java's JdbcCatalog and PyIceberg's SqlCatalog open it.
create table iceberg_tables (
  catalog_name varchar(255) not null,
  table_namespace varchar(255) not null,
  table_name varchar(255) not null,
  metadata_location varchar(1000),
  previous_metadata_location varchar(1000),
  iceberg_type varchar(5),
  primary key (catalog_name, table_namespace, table_name)
);
create table iceberg_namespace_properties (
  catalog_name varchar(255) not null,
  namespace varchar(255) not null,
  property_key varchar(255) not null,
  property_value varchar(1000),
  primary key (catalog_name, namespace, property_key)
);

create schema lake;

-- Every commit of ours; the row is the proof that a commit happened, also when its answer was lost.
create table lake.commits (
  commit_id uuid primary key,
  table_name text not null,
  snapshot_id bigint,
  parent_snapshot_id bigint,
  ids_added bigint not null,
  ids_removed bigint not null,
  ranges_added jsonb not null,
  offsets jsonb not null,
  committed_at timestamptz not null default clock_timestamp()
);
create index commits_by_time on lake.commits (table_name, committed_at);
create index commits_by_snapshot on lake.commits (table_name, snapshot_id);

-- What is held: merged half-open ranges of trade ids, or of open times for klines.
create table lake.coverage (
  table_name text not null,
  source text not null,
  listing text not null,
  "interval" text not null default '',
  lo bigint not null,
  hi bigint not null,
  primary key (table_name, source, listing, "interval", lo),
  check (lo < hi)
);

-- What is not held and why: never overlaps coverage.
create table lake.explained (
  table_name text not null,
  source text not null,
  listing text not null,
  "interval" text not null default '',
  lo bigint not null,
  hi bigint not null,
  cause text not null,
  detail text,
  explained_at timestamptz not null default clock_timestamp(),
  primary key (table_name, source, listing, "interval", lo),
  check (lo < hi)
);

-- First and last id of each UTC day, so that a missing id has a day: its lower neighbour's.
create table lake.tape_days (
  table_name text not null,
  source text not null,
  listing text not null,
  day date not null,
  first_id bigint not null,
  last_id bigint not null,
  primary key (table_name, source, listing, day)
);

create table lake.data_files (
  path text primary key,
  table_name text not null,
  commit_id uuid not null references lake.commits,
  sha256 text not null,
  bytes bigint not null,
  records bigint not null
);

-- Adds ranges to what is held, merging with neighbours they touch; answers how many overlap what is held already
-- (then the caller must roll back). Ranges of one call are disjoint. The caller holds the table's lock.
create function lake.extend_coverage(
  p_table text, p_sources text[], p_listings text[], p_intervals text[], p_los bigint[], p_his bigint[]
) returns bigint language plpgsql as $$
declare
  overlapping bigint := 0;
  pred record;
  succ record;
  new_lo bigint;
  new_hi bigint;
  r record;
begin
  for r in
    select * from unnest(p_sources, p_listings, p_intervals, p_los, p_his) as t(source, listing, iv, lo, hi)
  loop
    select c.lo, c.hi into pred from lake.coverage c
     where c.table_name = p_table and c.source = r.source and c.listing = r.listing and c."interval" = r.iv
       and c.lo <= r.lo
     order by c.lo desc limit 1;
    select c.lo, c.hi into succ from lake.coverage c
     where c.table_name = p_table and c.source = r.source and c.listing = r.listing and c."interval" = r.iv
       and c.lo > r.lo
     order by c.lo limit 1;
    if pred.hi > r.lo or succ.lo < r.hi then
      overlapping := overlapping + 1;
      continue;
    end if;
    new_lo := r.lo;
    new_hi := r.hi;
    if succ.lo = r.hi then
      new_hi := succ.hi;
      delete from lake.coverage c
       where c.table_name = p_table and c.source = r.source and c.listing = r.listing and c."interval" = r.iv
         and c.lo = succ.lo;
    end if;
    if pred.hi = r.lo then
      update lake.coverage c set hi = new_hi
       where c.table_name = p_table and c.source = r.source and c.listing = r.listing and c."interval" = r.iv
         and c.lo = pred.lo;
    else
      insert into lake.coverage values (p_table, r.source, r.listing, r.iv, new_lo, new_hi);
    end if;
    perform lake.forget_explained(p_table, r.source, r.listing, r.iv, r.lo, r.hi);
  end loop;
  return overlapping;
end $$;

-- Takes [lo, hi) out of what is explained: it is held, or explained anew.
create function lake.forget_explained(
  p_table text, p_source text, p_listing text, p_interval text, p_lo bigint, p_hi bigint
) returns void language plpgsql as $$
declare
  e record;
begin
  for e in
    delete from lake.explained x
     where x.table_name = p_table and x.source = p_source and x.listing = p_listing and x."interval" = p_interval
       and x.lo < p_hi and x.hi > p_lo
    returning x.*
  loop
    if e.lo < p_lo then
      insert into lake.explained values
        (p_table, p_source, p_listing, p_interval, e.lo, p_lo, e.cause, e.detail, e.explained_at);
    end if;
    if e.hi > p_hi then
      insert into lake.explained values
        (p_table, p_source, p_listing, p_interval, p_hi, e.hi, e.cause, e.detail, e.explained_at);
    end if;
  end loop;
end $$;

-- Explains the part of [lo, hi) that is not held.
create function lake.explain(
  p_table text, p_source text, p_listing text, p_interval text, p_lo bigint, p_hi bigint, p_cause text, p_detail text
) returns void language plpgsql as $$
begin
  perform lake.forget_explained(p_table, p_source, p_listing, p_interval, p_lo, p_hi);
  insert into lake.explained (table_name, source, listing, "interval", lo, hi, cause, detail)
  select p_table, p_source, p_listing, p_interval, lower(part), upper(part), p_cause, p_detail
    from unnest(
      int8multirange(int8range(p_lo, p_hi)) - coalesce(
        (select range_agg(int8range(c.lo, c.hi)) from lake.coverage c
          where c.table_name = p_table and c.source = p_source and c.listing = p_listing
            and c."interval" = p_interval and c.lo < p_hi and c.hi > p_lo),
        '{}'::int8multirange)
    ) as part;
end $$;

-- Holes between what is held, less what is explained (`cause` null) and what is explained (`cause` says why).
create view lake.gaps as
with holes as (
  select table_name, source, listing, "interval", hi as lo,
         lead(lo) over (partition by table_name, source, listing, "interval" order by lo) as hi
    from lake.coverage
), unexplained as (
  select h.table_name, h.source, h.listing, h."interval", part
    from holes h,
         unnest(int8multirange(int8range(h.lo, h.hi)) - coalesce(
           (select range_agg(int8range(x.lo, x.hi)) from lake.explained x
             where x.table_name = h.table_name and x.source = h.source and x.listing = h.listing
               and x."interval" = h."interval" and x.lo < h.hi and x.hi > h.lo),
           '{}'::int8multirange)) as part
   where h.hi > h.lo
)
select table_name, source, listing, "interval", lower(part) as lo, upper(part) as hi, null::text as cause,
       null::text as detail
  from unexplained
union all
select table_name, source, listing, "interval", lo, hi, cause, detail from lake.explained;

grant select, insert, update, delete on iceberg_tables, iceberg_namespace_properties to ticklake_ingest, ticklake_analyst;
grant select on iceberg_tables, iceberg_namespace_properties to ticklake_api;
grant usage on schema lake to ticklake_ingest, ticklake_api;
grant select, insert, update, delete on lake.coverage, lake.explained, lake.tape_days to ticklake_ingest;
grant select, insert on lake.commits, lake.data_files to ticklake_ingest;
grant select on all tables in schema lake to ticklake_ingest, ticklake_api;

-- Down Migration
drop schema lake cascade;
drop table iceberg_namespace_properties, iceberg_tables;
