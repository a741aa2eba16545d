-- The rows of market.symbols from a file of JSON lines; decimals as text, times in microseconds.
create or replace temp table rows as
select
  source, symbol, listing_id, base, quote, status, tick_size::decimal(38, 18) as tick_size,
  lot_size::decimal(38, 18) as lot_size, min_quantity::decimal(38, 18) as min_quantity,
  min_notional::decimal(38, 18) as min_notional, "rank", liquidity, make_timestamptz(valid_from) as valid_from,
  make_timestamptz(valid_to) as valid_to, make_timestamptz(recorded_at) as recorded_at,
  make_timestamptz(superseded_at) as superseded_at
from read_json($path, format = 'newline_delimited', columns = {
  source: 'varchar', symbol: 'varchar', listing_id: 'varchar', base: 'varchar', quote: 'varchar', status: 'varchar',
  tick_size: 'varchar', lot_size: 'varchar', min_quantity: 'varchar', min_notional: 'varchar', "rank": 'bigint',
  liquidity: 'double', valid_from: 'bigint', valid_to: 'bigint', recorded_at: 'bigint', superseded_at: 'bigint'
})
