-- $1 portfolios
select portfolio_id as "portfolioId", base, quote, number, quantity, unit_cost as "unitCost"
  from trading.lots
 where portfolio_id = any($1::uuid[])
 order by portfolio_id, base, quote, number
