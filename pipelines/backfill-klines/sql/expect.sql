-- Forgets within a span that it was not requested of these markets.
select lake.forget_explained(x.table_name, x.source, x.listing, x."interval", greatest(x.lo, $5), least(x.hi, $6))
  from lake.explained x
 where x.table_name = $1 and x.cause = 'not_requested' and x.lo < $6::bigint and x.hi > $5::bigint
   and (x.source, x.listing, x."interval") in (select * from unnest($2::text[], $3::text[], $4::text[]))
