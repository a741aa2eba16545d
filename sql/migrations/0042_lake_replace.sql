-- Up Migration

-- Commits that replace: what they did beside adding, so that a rollback can undo it and an earlier state be told.
alter table lake.commits
  add column operation text not null default 'append',
  add column ranges_removed jsonb not null default '[]';

-- A file that is no longer in the table keeps its row until it is deleted from the store.
alter table lake.data_files add column removed_by uuid references lake.commits;
grant update (removed_by) on lake.data_files to ticklake_ingest;

-- How far apart neighbours are: 1 for ids, the bar's length in microseconds for open times.
create function lake.step(p_interval text) returns bigint language sql immutable strict parallel safe as $$
  select case right(p_interval, 1)
           when 'm' then 60000000 when 'h' then 3600000000 when 'd' then 86400000000 else 1
         end * coalesce(nullif(substring(p_interval from '^[0-9]+'), '')::bigint, 1)
$$;

-- Takes ranges out of what is held; answers how many were not held as a whole (then the caller must roll back). The
-- caller holds the table's lock.
create function lake.shrink_coverage(
  p_table text, p_sources text[], p_listings text[], p_intervals text[], p_los bigint[], p_his bigint[]
) returns bigint language plpgsql as $$
declare
  not_held bigint := 0;
  c record;
  r record;
begin
  for r in
    select * from unnest(p_sources, p_listings, p_intervals, p_los, p_his) as t(source, listing, iv, lo, hi)
  loop
    delete from lake.coverage held
     where held.table_name = p_table and held.source = r.source and held.listing = r.listing
       and held."interval" = r.iv and held.lo <= r.lo and held.hi >= r.hi
    returning held.lo, held.hi into c;
    if not found then
      not_held := not_held + 1;
      continue;
    end if;
    if c.lo < r.lo then
      insert into lake.coverage values (p_table, r.source, r.listing, r.iv, c.lo, r.lo);
    end if;
    if c.hi > r.hi then
      insert into lake.coverage values (p_table, r.source, r.listing, r.iv, r.hi, c.hi);
    end if;
  end loop;
  return not_held;
end $$;

-- Down Migration
drop function lake.shrink_coverage, lake.step;
alter table lake.data_files drop column removed_by;
alter table lake.commits drop column operation, drop column ranges_removed;
