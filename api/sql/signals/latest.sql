-- The newest signal of each strategy, market and interval, in their order. Each step of the recursion finds the next series
-- by the index, whatever the number of signals.
-- $1 strategy, $2 source, $3 symbol, $4 interval, $5 signal: null is all; $6 the series before the first one wanted, $7 limit
with recursive series as (
  (
    select strategy, source, symbol, "interval"
      from stream.signals
     where ($6::text[] is null or (strategy, source, symbol, "interval") > ($6[1], $6[2], $6[3], $6[4]))
     order by strategy, source, symbol, "interval"
     limit 1
  )
  union all
  select next.*
    from series
   cross join lateral (
     select strategy, source, symbol, "interval"
       from stream.signals
      where (strategy, source, symbol, "interval") > (series.strategy, series.source, series.symbol, series."interval")
      order by strategy, source, symbol, "interval"
      limit 1
   ) as next
)
select newest.signal_id, newest.strategy, newest.version, newest.source, newest.symbol, newest."interval",
       (extract(epoch from newest.open_time) * 1000000)::bigint as open_us, newest.signal, newest.price::text as price,
       newest.reason, newest.sma_50, newest.sma_200, (extract(epoch from newest.created_at) * 1000000)::bigint as created_us
  from series
 cross join lateral (
   select *
     from stream.signals
    where (strategy, source, symbol, "interval") = (series.strategy, series.source, series.symbol, series."interval")
    order by open_time desc
    limit 1
 ) as newest
 where ($1::text is null or series.strategy = $1) and ($2::text is null or series.source = $2)
   and ($3::text is null or series.symbol = $3) and ($4::text is null or series."interval" = $4)
   and ($5::text is null or newest.signal = $5)
 limit $7
