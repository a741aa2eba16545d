-- Orders that are not over, as they were placed.
select order_id as id, portfolio_id as "portfolioId", source, symbol, base, quote, side, type, quantity, price,
       stop_price as "stopPrice", time_in_force as "timeInForce", post_only as "postOnly",
       client_order_id as "clientOrderId", status, filled_quantity as "filledQuantity",
       filled_quote as "filledQuote", fees, held, placed_at_us as "placedAtUs",
       active_after_trade_id as "activeAfterTradeId", queue_ahead as "queueAhead"
  from trading.orders
 where status in ('pending', 'open', 'partially_filled') and $which
 order by placed_at_us, order_id
