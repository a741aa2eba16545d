-- A portfolio with all its rows, as of one moment. Numerics as text.
-- $1 its id
select h.portfolio_id as "portfolioId", h.number, h.hash, h.risk, h.limits, h.order_rate as "orderRate", h.day,
       h.cancel_after_us as "cancelAfterUs", h.venue, p.user_id as "userId", p.name, p.opened_at_us as "openedAtUs",
       array_to_json(array(
         select json_build_object('asset', b.asset, 'available', b.available::text, 'held', b.held::text)
           from trading.balances b where b.portfolio_id = h.portfolio_id order by b.asset
       )) as balances,
       array_to_json(array(
         select json_build_object('base', o.base, 'quote', o.quote, 'quantity', o.quantity::text, 'cost', o.cost::text,
                  'realizedAverage', o.realized_average::text, 'realizedFifo', o.realized_fifo::text)
           from trading.holdings o where o.portfolio_id = h.portfolio_id order by o.base, o.quote
       )) as holdings,
       array_to_json(array(
         select json_build_object('base', l.base, 'quote', l.quote, 'number', l.number, 'quantity', l.quantity::text,
                  'unitCost', l.unit_cost::text)
           from trading.lots l where l.portfolio_id = h.portfolio_id order by l.base, l.quote, l.number
       )) as lots,
       array_to_json(array(
         select json_build_object('id', o.order_id, 'source', o.source, 'symbol', o.symbol, 'base', o.base,
                  'quote', o.quote, 'side', o.side, 'type', o.type, 'quantity', o.quantity::text, 'price', o.price::text,
                  'stopPrice', o.stop_price::text, 'timeInForce', o.time_in_force, 'postOnly', o.post_only,
                  'clientOrderId', o.client_order_id, 'status', o.status, 'filledQuantity', o.filled_quantity::text,
                  'filledQuote', o.filled_quote::text, 'fees', o.fees::text, 'held', o.held::text,
                  'placedAtUs', o.placed_at_us, 'activeAfterTradeId', o.active_after_trade_id,
                  'queueAhead', o.queue_ahead::text, 'live', o.live)
           from trading.orders o
          where o.portfolio_id = h.portfolio_id and o.status in ('pending', 'open', 'partially_filled')
          order by o.placed_at_us, o.order_id
       )) as orders
  from trading.heads h
  join trading.portfolios p using (portfolio_id)
 where h.portfolio_id = $1
