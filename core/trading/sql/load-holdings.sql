-- $1 portfolios
select portfolio_id as "portfolioId", base, quote, quantity, cost, realized_average as "realizedAverage",
       realized_fifo as "realizedFifo"
  from trading.holdings
 where portfolio_id = any($1::uuid[])
