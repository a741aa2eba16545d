-- Closes at $2 (µs) what holds of a source $1 until further notice, known from $3 on. What began at $2 itself never held.
with ended as (
  update universe.members set superseded_at = $3::timestamptz
   where source = $1 and superseded_at = 'infinity' and valid_to = 'infinity'
  returning *
)
insert into universe.members (source, symbol, listing_id, base, quote, status, filters, rank, liquidity, valid_from,
                              valid_to, recorded_at)
select source, symbol, listing_id, base, quote, status, filters, rank, liquidity, valid_from,
       to_timestamp($2::bigint / 1e6), $3::timestamptz
  from ended where valid_from < to_timestamp($2::bigint / 1e6)
