-- The events that wait longest. $1 how many
-- Each by its key: of a table that was empty when it was last looked at, a join would read all events.
select o.seq, o.portfolio_id as "portfolioId",
       (select e.body from trading.events e where e.portfolio_id = o.portfolio_id and e.number = o.number) as body
  from (select * from trading.outbox order by seq limit $1) o
 order by o.seq
