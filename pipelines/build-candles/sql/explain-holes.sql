-- Explains holes among candles: without trades there are none. $1 table, $2 source, $3 listings, $4 intervals.
select lake.explain($1, $2, t.listing, t.iv, lower(part), upper(part), 'trades_not_held', null)
  from unnest($3::text[], $4::text[]) as t(listing, iv),
       lateral (select range_agg(int8range(lo, hi)) as ranges from lake.coverage
                 where table_name = $1 and source = $2 and listing = t.listing and "interval" = t.iv) held,
       lateral (select range_agg(int8range(lo, hi)) as ranges from lake.explained
                 where table_name = $1 and source = $2 and listing = t.listing and "interval" = t.iv) explained,
       unnest(int8multirange(range_merge(held.ranges)) - held.ranges - coalesce(explained.ranges, '{}')) as part
