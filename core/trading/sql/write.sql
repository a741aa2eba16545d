-- Writes what a batch has done, each changed row once. Columns of text, for unnest:
-- $1–$9 heads, $10–$13 balances, $14–$39 orders, $40–$46 events, $47–$51 ledger, $52–$57 idempotency
with heads as (
  insert into trading.heads (portfolio_id, number, hash, risk, limits, order_rate, day, cancel_after_us, venue)
  select h.portfolio_id::uuid, h.number::bigint, decode(h.hash, 'hex'), h.risk, h.limits, h.order_rate, h.day,
         h.cancel_after_us::bigint, h.venue
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[])
      as h (portfolio_id, number, hash, risk, limits, order_rate, day, cancel_after_us, venue)
  on conflict (portfolio_id) do update
    set (number, hash, risk, limits, order_rate, day, cancel_after_us) = row(
      excluded.number, excluded.hash, excluded.risk, excluded.limits, excluded.order_rate, excluded.day,
      excluded.cancel_after_us)
), balances as (
  insert into trading.balances (portfolio_id, asset, available, held)
  select b.portfolio_id::uuid, b.asset, b.available::numeric, b.held::numeric
    from unnest($10::text[], $11::text[], $12::text[], $13::text[]) as b (portfolio_id, asset, available, held)
  on conflict (portfolio_id, asset) do update set (available, held) = row(excluded.available, excluded.held)
), orders as (
  insert into trading.orders (order_id, portfolio_id, source, symbol, base, quote, side, type, quantity, price, stop_price,
    time_in_force, post_only, client_order_id, status, filled_quantity, filled_quote, fees, held, placed_at_us,
    active_after_trade_id, queue_ahead, reject_code, reject_detail, number, live)
  select o.order_id::uuid, o.portfolio_id::uuid, o.source, o.symbol, o.base, o.quote, o.side, o.type, o.quantity::numeric,
         o.price::numeric, o.stop_price::numeric, o.time_in_force, o.post_only::boolean, o.client_order_id, o.status,
         o.filled_quantity::numeric, o.filled_quote::numeric, o.fees::numeric, o.held::numeric,
         o.placed_at_us::bigint, o.active_after_trade_id::bigint, o.queue_ahead::numeric, o.reject_code,
         o.reject_detail, o.number::bigint, o.live
    from unnest($14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[],
                $22::text[], $23::text[], $24::text[], $25::text[], $26::text[], $27::text[], $28::text[], $29::text[],
                $30::text[], $31::text[], $32::text[], $33::text[], $34::text[], $35::text[], $36::text[],
                $37::text[], $38::text[], $39::text[])
      as o (order_id, portfolio_id, source, symbol, base, quote, side, type, quantity, price, stop_price, time_in_force, post_only,
            client_order_id, status, filled_quantity, filled_quote, fees, held, placed_at_us, active_after_trade_id,
            queue_ahead, reject_code, reject_detail, number, live)
  on conflict (order_id) do update
    set (quantity, price, stop_price, status, filled_quantity, filled_quote, fees, held, active_after_trade_id,
         queue_ahead, reject_code, reject_detail, number, live) = row(
      excluded.quantity, excluded.price, excluded.stop_price, excluded.status, excluded.filled_quantity,
      excluded.filled_quote, excluded.fees, excluded.held, excluded.active_after_trade_id, excluded.queue_ahead,
      excluded.reject_code, excluded.reject_detail, excluded.number, excluded.live)
    where trading.orders.portfolio_id = excluded.portfolio_id
  returning 1
), events as (
  insert into trading.events (portfolio_id, number, type, subject_id, at_us, body, hash)
  select e.portfolio_id::uuid, e.number::bigint, e.type, e.subject_id, e.at_us::bigint, e.body, decode(e.hash, 'hex')
    from unnest($40::text[], $41::text[], $42::text[], $43::text[], $44::text[], $45::text[], $46::text[])
      as e (portfolio_id, number, type, subject_id, at_us, body, hash)
), outbox as (
  insert into trading.outbox (portfolio_id, number)
  select e.portfolio_id::uuid, e.number::bigint
    from unnest($40::text[], $41::text[]) with ordinality as e (portfolio_id, number, ord)
   order by e.ord
), ledger as (
  insert into trading.ledger (portfolio_id, number, asset, account, amount)
  select l.portfolio_id::uuid, l.number::bigint, l.asset, l.account, l.amount::numeric
    from unnest($47::text[], $48::text[], $49::text[], $50::text[], $51::text[])
      as l (portfolio_id, number, asset, account, amount)
), idempotency as (
  insert into trading.idempotency (portfolio_id, kind, key, body_hash, number_first, number_last)
  select i.portfolio_id::uuid, i.kind, i.key, i.body_hash, i.number_first::bigint, i.number_last::bigint
    from unnest($52::text[], $53::text[], $54::text[], $55::text[], $56::text[], $57::text[])
      as i (portfolio_id, kind, key, body_hash, number_first, number_last)
)
-- An order's id that another portfolio has fails the batch.
select 1 / (count(*) = cardinality($14::text[]))::integer from orders
