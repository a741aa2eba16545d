-- Portfolios with events that a consumer was not given yet. $1 consumer, $2 the last portfolio of the page before, $3 how many
select h.portfolio_id as "portfolioId"
  from trading.heads h
  left join events.progress p on p.consumer = $1 and p.portfolio_id = h.portfolio_id
 where h.number > coalesce(p.number, 0) and ($2::uuid is null or h.portfolio_id > $2)
 order by h.portfolio_id limit $3
