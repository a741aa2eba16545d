-- Up Migration

-- Orders that the paper venue has not met yet: it asks for them many times a second.
create index orders_waiting on trading.orders (placed_at_us)
  where status in ('pending', 'open', 'partially_filled') and active_after_trade_id < 0;

-- Down Migration
drop index trading.orders_waiting;
