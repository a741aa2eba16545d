-- The rows of signals.signals from a file of JSON lines; decimals as text, times in microseconds.
create or replace temp table rows as
select
  signal_id, strategy, version, source, symbol, "interval", make_timestamptz(open_time) as open_time, signal,
  price::decimal(38, 18) as price, reason, sma_50, sma_200, revision, make_timestamptz(superseded_at) as superseded_at,
  make_timestamptz(created_at) as created_at, make_timestamp(open_time)::date as "date"
from read_json($path, format = 'newline_delimited', columns = {
  signal_id: 'varchar', strategy: 'varchar', version: 'varchar', source: 'varchar', symbol: 'varchar',
  "interval": 'varchar', open_time: 'bigint', signal: 'varchar', price: 'varchar', reason: 'varchar',
  sma_50: 'double', sma_200: 'double', revision: 'bigint', superseded_at: 'bigint', created_at: 'bigint'
})
