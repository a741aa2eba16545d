-- Writes a discovery of source $1 at $2 (µs), known from $3 on, by rules $4, with what was dropped ($5) and chosen ($6).
with discovery as (
  insert into universe.discoveries (source, valid_from, recorded_at, rules, chosen, dropped)
  values ($1, to_timestamp($2::bigint / 1e6), $3::timestamptz, $4::jsonb, jsonb_array_length($6::jsonb), $5::jsonb)
  returning source, valid_from, recorded_at
)
insert into universe.members (source, symbol, listing_id, base, quote, status, filters, rank, liquidity, valid_from,
                              recorded_at)
select d.source, m.symbol, m.listing_id, m.base, m.quote, m.status, m.filters, m.rank, m.liquidity, d.valid_from,
       d.recorded_at
  from discovery d,
       jsonb_to_recordset($6::jsonb) as m(symbol text, listing_id text, base text, quote text, status text,
                                          filters jsonb, rank integer, liquidity double precision)
