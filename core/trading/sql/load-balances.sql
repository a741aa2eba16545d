-- $1 portfolios
select portfolio_id as "portfolioId", asset, available, held
  from trading.balances
 where portfolio_id = any($1::uuid[])
