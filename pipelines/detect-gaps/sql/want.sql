-- Makes windows wanted. One of bars that begins in a known window lengthens that, so that looks on many days are one row.
insert into lake.wanted as known (table_name, source, listing, "interval", lo, hi, rank, day)
select "table", source, listing, "interval", lo, max(hi), min(rank), day
  from (
    select w."table", w.source, w.listing, coalesce(w."interval", '') as "interval", w.hi, w.rank, w.day,
           coalesce(
             (select max(k.lo) from lake.wanted k
               where w.day is null and k.day is null and k.table_name = w."table" and k.source = w.source
                 and k.listing = w.listing and k."interval" = coalesce(w."interval", '')
                 and k.lo <= w.lo and k.hi >= w.lo),
             w.lo) as lo
      from jsonb_to_recordset($1::jsonb)
        as w("table" text, source text, listing text, "interval" text, lo bigint, hi bigint, rank integer, day date)
  ) joined
 group by "table", source, listing, "interval", lo, day
    on conflict (table_name, source, listing, "interval", lo) do update
   set hi = greatest(known.hi, excluded.hi), rank = excluded.rank, wanted_at = clock_timestamp()
