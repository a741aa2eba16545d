order_id as id, portfolio_id as "portfolioId", source, symbol, base, quote, side, type, quantity, price,
stop_price as "stopPrice", time_in_force as "timeInForce", post_only as "postOnly", client_order_id as "clientOrderId",
status, filled_quantity as "filledQuantity", filled_quote as "filledQuote", fees, held, placed_at_us as "placedAtUs",
active_after_trade_id as "activeAfterTradeId", queue_ahead as "queueAhead", live
