-- Up Migration

-- The order of commits, whatever clocks say: each is written under its table's lock.
alter table lake.commits add column seq bigint generated always as identity;
create index commits_in_order on lake.commits (table_name, seq);

-- The parts of ranges that are held (p_held) or are not, of the newest listing of each symbol. Intervals are '' for ids.
create function lake.parts(
  p_table text, p_held boolean, p_sources text[], p_symbols text[], p_intervals text[], p_los bigint[], p_his bigint[]
) returns table (source text, listing text, "interval" text, lo bigint, hi bigint) language sql stable as $$
  with wanted as (
    select t.source, t.iv, t.lo, t.hi,
           coalesce((select max(c.listing) from lake.coverage c
                      where c.table_name = p_table and c.source = t.source
                        and regexp_replace(c.listing, '#[0-9]+$', '') = t.symbol), t.symbol || '#1') as listing
      from unnest(p_sources, p_symbols, p_intervals, p_los, p_his) as t(source, symbol, iv, lo, hi)
  ), compared as (
    select w.*, int8multirange(int8range(w.lo, w.hi)) as range,
           coalesce((select range_agg(int8range(c.lo, c.hi)) from lake.coverage c
                      where c.table_name = p_table and c.source = w.source and c.listing = w.listing
                        and c."interval" = w.iv and c.lo < w.hi and c.hi > w.lo), '{}'::int8multirange) as held
      from wanted w
  )
  select c.source, c.listing, c.iv, lower(part), upper(part)
    from compared c, unnest(case when p_held then c.range * c.held else c.range - c.held end) as part
$$;

-- Down Migration
drop function lake.parts;
alter table lake.commits drop column seq;
