-- Orders that are not over.
-- $1 portfolios
select $columns
  from trading.orders
 where portfolio_id = any($1::uuid[]) and status in ('pending', 'open', 'partially_filled')
 order by placed_at_us, order_id
