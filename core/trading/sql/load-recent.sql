-- When the orders of each portfolio's last minute were placed: of the minute before the newest of them.
-- $1 portfolios, $2 the minute in microseconds
select p.portfolio_id as "portfolioId",
       array(select o.placed_at_us from trading.orders o
              where o.portfolio_id = p.portfolio_id::uuid
                and o.placed_at_us > (select max(n.placed_at_us) from trading.orders n
                                       where n.portfolio_id = p.portfolio_id::uuid) - $2::bigint
              order by o.placed_at_us) as "placedAtUs"
  from unnest($1::text[]) as p (portfolio_id)
