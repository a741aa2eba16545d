-- What a portfolio's page shows, as of one moment: its money, and how many orders are open. Numerics as text.
-- $1 its id
select p.portfolio_id as id, p.user_id as "userId", p.name, p.opened_at_us as "openedAtUs",
       h.number, h.risk, h.cancel_after_us as "cancelAfterUs", h.venue,
       array_to_json(array(
         select json_build_object('asset', b.asset, 'available', b.available::text, 'held', b.held::text)
           from trading.balances b where b.portfolio_id = h.portfolio_id
       )) as balances,
       array_to_json(array(
         select json_build_object('base', o.base, 'quote', o.quote, 'quantity', o.quantity::text, 'cost', o.cost::text,
                  'realizedAverage', o.realized_average::text, 'realizedFifo', o.realized_fifo::text)
           from trading.holdings o where o.portfolio_id = h.portfolio_id
       )) as holdings,
       (select count(*) from trading.orders o
         where o.portfolio_id = h.portfolio_id and o.status in ('pending', 'open', 'partially_filled')
       ) as "openOrders"
  from trading.heads h
  join trading.portfolios p using (portfolio_id)
 where h.portfolio_id = $1
