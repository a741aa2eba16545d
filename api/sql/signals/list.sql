-- Signals, those of the newest bars first.
-- $1 strategy, $2 source, $3 symbols, $4 interval, $5 signal, $6 from and $7 to (µs): null is all; $8 open time (µs) and $9 id
-- of the last one of the page before, $10 limit
select signal_id, strategy, version, source, symbol, "interval", (extract(epoch from open_time) * 1000000)::bigint as open_us,
       signal, price::text as price, reason, sma_50, sma_200, (extract(epoch from created_at) * 1000000)::bigint as created_us
  from stream.signals
 where ($1::text is null or strategy = $1) and ($2::text is null or source = $2)
   and ($3::text[] is null or symbol = any($3)) and ($4::text is null or "interval" = $4)
   and ($5::text is null or signal = $5)
   and ($6::bigint is null or open_time >= to_timestamp($6::bigint / 1000000.0))
   and ($7::bigint is null or open_time < to_timestamp($7::bigint / 1000000.0))
   and ($8::bigint is null or (open_time, signal_id) < (to_timestamp($8::bigint / 1000000.0), $9::uuid))
 order by open_time desc, signal_id desc
 limit $10
