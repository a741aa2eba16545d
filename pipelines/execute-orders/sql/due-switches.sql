-- Portfolios whose dead-man's switch is due. $1 the time, microseconds, $2 how many at most.
select portfolio_id as "portfolioId"
  from trading.heads
 where cancel_after_us <= $1
 order by cancel_after_us
 limit $2
