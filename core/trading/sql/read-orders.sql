-- Orders, the newest first; those that were rejected, too.
-- $1 portfolios, $2 this order alone, $3 source, $4 symbol, $5 statuses, $6 and $7 placing time and id of the order before
-- the page, $8 limit
select $columns, reject_code as "rejectCode", reject_detail as "rejectDetail", number
  from trading.orders
 where ($1::uuid[] is null or portfolio_id = any($1))
   and ($2::uuid is null or order_id = $2)
   and ($3::text is null or source = $3)
   and ($4::text is null or symbol = $4)
   and ($5::text[] is null or status = any($5))
   and ($6::bigint is null or (placed_at_us, order_id) < ($6, $7::uuid))
 order by placed_at_us desc, order_id desc
 limit $8
