-- Rows of the universe as JSON lines, at most $5, after the one with the key $1 to $4 (null: from the first on).
select source, symbol, valid_from::text as "validFrom", recorded_at::text as "recordedAt",
       json_build_object(
         'source', source, 'symbol', symbol, 'listing_id', listing_id, 'base', base, 'quote', quote, 'status', status,
         'tick_size', filters->>'tickSize', 'lot_size', filters->>'stepSize',
         'min_quantity', filters->>'minQuantity', 'min_notional', filters->>'minNotional',
         'rank', rank, 'liquidity', liquidity,
         'valid_from', (extract(epoch from valid_from) * 1000000)::bigint,
         'valid_to', case when valid_to < 'infinity' then (extract(epoch from valid_to) * 1000000)::bigint end,
         'recorded_at', (extract(epoch from recorded_at) * 1000000)::bigint,
         'superseded_at', case when superseded_at < 'infinity' then (extract(epoch from superseded_at) * 1000000)::bigint end
       )::text as line
  from universe.members
 where $1::text is null or (source, symbol, valid_from, recorded_at) > ($1, $2, $3::timestamptz, $4::timestamptz)
 order by source, symbol, valid_from, recorded_at
 limit $5
