-- Where channels do not say the same of a bar, what was found last first. $1 table, $2 source, $3 symbol, $4 interval,
-- $5 whether they still differ: null is all; $6 time and $7 key of the last one of the page before, $8 limit
with found as (
  select *, md5(concat_ws('|', table_name, source, symbol, "interval", open_time, field)) as key
    from lake.reconciliation
   where ($1::text is null or table_name = $1) and ($2::text is null or source = $2)
     and ($3::text is null or symbol = $3) and ($4::text is null or "interval" = $4)
     and ($5::boolean is null or (resolved_at is null) = $5)
)
select table_name as table, source, symbol, "interval", jobs.iso(open_time) as "openTime", field,
       by_channel as values, trusted, reason, run, jobs.iso(found_at) as "foundAt", jobs.iso(seen_at) as "seenAt",
       jobs.iso(resolved_at) as "resolvedAt", found_at::text as "foundText", key
  from found
 where $6::timestamptz is null or (found_at, key) < ($6, $7::text)
 order by found_at desc, key desc limit $8
