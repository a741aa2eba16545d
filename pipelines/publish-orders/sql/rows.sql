-- The rows of trading.order_events from a file of JSON lines; decimals as text, times in microseconds. What a client made up
-- may be beyond the column, and is null then.
create or replace temp table rows as
select
  account, owner, number, type, make_timestamptz("timestamp") as "timestamp", order_id, source, symbol, base, quote, side, order_type,
  time_in_force, post_only, status, quantity::decimal(38, 18) as quantity, price::decimal(38, 18) as price,
  stop_price::decimal(38, 18) as stop_price, filled_quantity::decimal(38, 18) as filled_quantity,
  filled_quote::decimal(38, 18) as filled_quote, fees::decimal(38, 18) as fees,
  fill_quantity::decimal(38, 18) as fill_quantity, fill_price::decimal(38, 18) as fill_price,
  fill_fee::decimal(38, 18) as fill_fee, liquidity, trade_id, make_timestamptz(market_time) as market_time,
  realized_average::decimal(38, 18) as realized_average, realized_fifo::decimal(38, 18) as realized_fifo, reason,
  risk_state, last_price::decimal(38, 18) as last_price, price_age_ms,
  try_cast(notional as decimal(38, 18)) as notional,
  try_cast(position_notional as decimal(38, 18)) as position_notional, open_orders, orders_in_minute,
  try_cast(daily_loss as decimal(38, 18)) as daily_loss, make_timestamp("timestamp")::date as "date"
from read_json($path, format = 'newline_delimited', columns = {
  account: 'varchar', owner: 'varchar', number: 'bigint', type: 'varchar', "timestamp": 'bigint', order_id: 'varchar',
  source: 'varchar', symbol: 'varchar', base: 'varchar', quote: 'varchar', side: 'varchar', order_type: 'varchar',
  time_in_force: 'varchar', post_only: 'boolean', status: 'varchar', quantity: 'varchar', price: 'varchar',
  stop_price: 'varchar', filled_quantity: 'varchar', filled_quote: 'varchar', fees: 'varchar',
  fill_quantity: 'varchar', fill_price: 'varchar', fill_fee: 'varchar', liquidity: 'varchar', trade_id: 'bigint',
  market_time: 'bigint', realized_average: 'varchar', realized_fifo: 'varchar', reason: 'varchar',
  risk_state: 'varchar', last_price: 'varchar', price_age_ms: 'double', notional: 'varchar',
  position_notional: 'varchar', open_orders: 'bigint', orders_in_minute: 'bigint', daily_loss: 'varchar'
})
