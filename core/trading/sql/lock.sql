-- Locks portfolios in the order of their ids, which keeps batches from waiting for each other in a ring.
-- $1 their ids
select portfolio_id as "portfolioId", number, hash, risk, limits, order_rate as "orderRate", day,
       cancel_after_us as "cancelAfterUs", venue
  from trading.heads
 where portfolio_id = any($1::uuid[])
 order by portfolio_id
   for update
