-- What the next portfolios hold, and the markets that tell its price. $1 the portfolio before, $2 how many at most.
with next as (
  select distinct h.portfolio_id
    from trading.holdings h
   where h.portfolio_id > $1::uuid and h.quantity > 0
   order by h.portfolio_id
   limit $2
)
select h.portfolio_id as "portfolioId", s.source, s.symbol, h.base || '/' || h.quote as pair
  from next
  join trading.holdings h using (portfolio_id)
  join ingest.symbols s on s.base = h.base and s.quote = h.quote
 where h.quantity > 0
 order by h.portfolio_id
