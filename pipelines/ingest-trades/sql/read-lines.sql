-- The batch's lines as text columns, numbered in the order of the log; a line that is no JSON object is all null.
create or replace temp table lines as
select row_number() over () - 1 as line_number, *
from read_json($path, format = 'newline_delimited', ignore_errors = true, maximum_object_size = 1048576, columns = {
  source: 'varchar', symbol: 'varchar', trade_id: 'varchar', price: 'varchar', volume: 'varchar', side: 'varchar',
  timestamp_us: 'varchar', channel: 'varchar', reason: 'varchar'
})
