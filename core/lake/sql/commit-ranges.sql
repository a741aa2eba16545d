-- What commits of one table did to what is held, in the order in which they are to be done or undone.
-- $1 table, $2 after this commit, $3 up to this one, $4 source, $5 symbol, $6 interval: null is all; $7 newest first
select r.source, r.listing, coalesce(r."interval", '') as "interval", r.lo, r.hi, part.is_added
  from lake.commits c
 cross join lateral (
   select c.ranges_added as ranges, true as is_added union all select c.ranges_removed, false
 ) part
 cross join lateral jsonb_to_recordset(part.ranges) as r(source text, listing text, "interval" text, lo bigint, hi bigint)
 where c.table_name = $1 and c.seq > $2 and c.seq <= $3
   and ($4::text is null or r.source = $4)
   and ($5::text is null or regexp_replace(r.listing, '#[0-9]+$', '') = $5)
   and ($6::text is null or coalesce(r."interval", '') = $6)
 order by case when $7 then -c.seq else c.seq end, part.is_added <> $7
