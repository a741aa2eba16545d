-- Signals that are to be sent, as their records.
select signal_id, source, symbol,
       jsonb_build_object(
         'signal_id', signal_id, 'strategy', strategy, 'version', version, 'source', source, 'symbol', symbol,
         'interval', "interval", 'open_us', (extract(epoch from open_time) * 1000000)::bigint, 'signal', signal,
         'price', price::text, 'reason', reason, 'sma_50', sma_50, 'sma_200', sma_200,
         'created_us', (extract(epoch from created_at) * 1000000)::bigint
       )::text as record
  from stream.signals
 where not sent
 order by created_at, open_time
 limit $1
