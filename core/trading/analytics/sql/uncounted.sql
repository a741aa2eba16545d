-- Events that figures do not count yet. $1 user, $2 portfolio (null: of all), $3 how many at most
-- Each portfolio's by their keys: a join would read all events there are, as nothing says beforehand that these are few.
select p.portfolio_id as "portfolioId", p.user_id as "userId", e.body
  from trading.portfolios p
  join trading.heads h using (portfolio_id)
  left join events.progress c on c.portfolio_id = p.portfolio_id and c.consumer = 'figures'
 cross join lateral (
   select body from trading.events
    where portfolio_id = p.portfolio_id and number > coalesce(c.number, 0) order by number limit $3
 ) e
 where h.number > coalesce(c.number, 0)
   and ($1::uuid is null or p.user_id = $1) and ($2::uuid is null or p.portfolio_id = $2)
 limit $3
