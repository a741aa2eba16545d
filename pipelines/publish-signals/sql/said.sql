-- Signals as JSON lines, at most $3, after the one with the key $1 and $2 (null: from the first on).
select open_time::text as "openTime", signal_id as "signalId",
       json_build_object(
         'signal_id', signal_id, 'strategy', strategy, 'version', version, 'source', source, 'symbol', symbol,
         'interval', "interval", 'open_time', (extract(epoch from open_time) * 1000000)::bigint, 'signal', signal,
         'price', price::text, 'reason', reason, 'sma_50', sma_50, 'sma_200', sma_200, 'revision', revision,
         'superseded_at', (extract(epoch from superseded_at) * 1000000)::bigint,
         'created_at', (extract(epoch from created_at) * 1000000)::bigint
       )::text as line
  from stream.signals
 where $1::timestamptz is null or (open_time, signal_id) > ($1::timestamptz, $2::uuid)
 order by open_time, signal_id
 limit $3
