-- The events that wait longest. $1 how many
select o.seq, o.portfolio_id as "portfolioId", e.body
  from (select * from trading.outbox order by seq limit $1) o
  join trading.events e using (portfolio_id, number)
 order by o.seq
