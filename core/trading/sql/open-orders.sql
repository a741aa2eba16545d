-- Orders that are not over, of all portfolios that are executed on paper, as they were placed.
select $columns
  from trading.orders
 where status in ('pending', 'open', 'partially_filled') and live is null and $which
 order by placed_at_us, order_id
