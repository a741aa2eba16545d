-- The peer of the durable path: an order placed by one call, deciding in the database, with the same rows written and the
-- same checks made. Answers its event's number; null where the balance does not suffice.
create function bench_place_one(
  p_portfolio uuid, p_order uuid, p_key text, p_body_hash text, p_quantity numeric, p_price numeric, p_last numeric,
  p_order_text text, p_at_us bigint
) returns bigint language plpgsql as $$
declare
  v_head trading.heads;
  v_known trading.idempotency;
  v_needed numeric := p_quantity * p_price;
  v_limits jsonb;
  v_body text;
  v_hash bytea;
begin
  perform pg_advisory_xact_lock_shared(7240001);
  select * into v_head from trading.heads where portfolio_id = p_portfolio for update;
  select * into v_known from trading.idempotency
   where portfolio_id = p_portfolio and kind = 'key' and key = p_key;
  if found then
    if v_known.body_hash <> p_body_hash then
      raise exception 'the key was used with another body';
    end if;
    return v_known.number_first;
  end if;
  v_limits := v_head.limits::jsonb;
  if v_head.risk <> 'active' or (select risk from trading.global_risk) <> 'active'
     or v_needed > (v_limits ->> 'orderNotionalMax')::numeric
     or abs(p_price - p_last) > p_last * (v_limits ->> 'priceCollar')::numeric then
    raise exception 'refused';
  end if;
  update trading.balances set available = available - v_needed, held = held + v_needed
   where portfolio_id = p_portfolio and asset = 'USDT' and available >= v_needed;
  if not found then
    return null;
  end if;
  v_body := '{"number":' || (v_head.number + 1) || ',"portfolioId":"' || p_portfolio || '",' || p_order_text;
  v_hash := sha256(v_head.hash || convert_to(v_body, 'utf8'));
  insert into trading.orders (order_id, portfolio_id, source, symbol, base, quote, side, type, quantity, price,
    time_in_force, post_only, status, filled_quantity, filled_quote, fees, held, placed_at_us, active_after_trade_id,
    queue_ahead, number)
  values (p_order, p_portfolio, 'binance', 'BTCUSDT', 'BTC', 'USDT', 'buy', 'limit', p_quantity, p_price, 'GTC', false,
    'open', 0, 0, 0, v_needed, p_at_us, -1, 0, v_head.number + 1);
  insert into trading.events (portfolio_id, number, type, subject_id, at_us, body, hash)
  values (p_portfolio, v_head.number + 1, 'order_accepted', p_order::text, p_at_us, v_body, v_hash);
  insert into trading.outbox (portfolio_id, number) values (p_portfolio, v_head.number + 1);
  insert into trading.ledger (portfolio_id, number, asset, account, amount)
  values (p_portfolio, v_head.number + 1, 'USDT', 'available', -v_needed),
         (p_portfolio, v_head.number + 1, 'USDT', 'held', v_needed);
  insert into trading.idempotency (portfolio_id, kind, key, body_hash, number_first, number_last)
  values (p_portfolio, 'key', p_key, p_body_hash, v_head.number + 1, v_head.number + 1);
  update trading.heads set number = v_head.number + 1, hash = v_hash where portfolio_id = p_portfolio;
  return v_head.number + 1;
end $$;
