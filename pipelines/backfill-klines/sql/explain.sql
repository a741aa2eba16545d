-- Explains what of each range is neither held, nor explained already, nor within a window that shall be complete.
select lake.explain($1, t.source, t.listing, t.iv, lower(part), upper(part), t.cause, t.detail)
  from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[])
         as t(source, listing, iv, lo, hi, cause, detail),
       unnest(int8multirange(int8range(t.lo, t.hi)) - coalesce(
         (select range_agg(int8range(x.lo, x.hi))
            from (select lo, hi, table_name, source, listing, "interval" from lake.coverage
                  union all select lo, hi, table_name, source, listing, "interval" from lake.explained
                  union all select lo, hi, table_name, source, listing, "interval" from lake.wanted) x
           where x.table_name = $1 and x.source = t.source and x.listing = t.listing and x."interval" = t.iv
             and x.lo < t.hi and x.hi > t.lo),
         '{}'::int8multirange)) as part
