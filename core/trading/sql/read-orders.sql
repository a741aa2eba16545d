-- Orders, the newest first; those that were rejected, too.
-- $1 portfolios, $2 this order alone, $3 source, $4 symbol, $5 statuses, $6 and $7 placing time and id of the order before
-- the page, $8 limit
select order_id as id, portfolio_id as "portfolioId", source, symbol, base, quote, side, type, quantity, price,
       stop_price as "stopPrice", time_in_force as "timeInForce", post_only as "postOnly",
       client_order_id as "clientOrderId", status, filled_quantity as "filledQuantity",
       filled_quote as "filledQuote", fees, held, placed_at_us as "placedAtUs",
       active_after_trade_id as "activeAfterTradeId", queue_ahead as "queueAhead", reject_code as "rejectCode",
       reject_detail as "rejectDetail", number
  from trading.orders
 where ($1::uuid[] is null or portfolio_id = any($1))
   and ($2::uuid is null or order_id = $2)
   and ($3::text is null or source = $3)
   and ($4::text is null or symbol = $4)
   and ($5::text[] is null or status = any($5))
   and ($6::bigint is null or (placed_at_us, order_id) < ($6, $7::uuid))
 order by placed_at_us desc, order_id desc
 limit $8
