-- The hole that a commit opens beyond what was held of a coin before: $1 table, $2 source, $3 listing; $4 and $5 first and
-- one past the last id of the tape, $6 and $7 begins and ends of what the commit added. No row where it opens none.
with before as (
  select range_agg(int8range(lo, hi))
           - coalesce((select range_agg(int8range(a.lo, a.hi)) from unnest($6::bigint[], $7::bigint[]) as a(lo, hi)), '{}')
           as held
    from lake.coverage
   where table_name = $1 and source = $2 and listing = $3 and "interval" = ''
)
select case when upper(held) <= $4::bigint then upper(held) else $5::bigint end as lo,
       case when upper(held) <= $4::bigint then $4::bigint else lower(held) end as hi
  from before
 where upper(held) < $4::bigint or lower(held) > $5::bigint
