-- Up Migration
-- Who appends to a topic also deletes what is past its retention; the trader alone appends to `orders`.
grant delete on log.batches to ticklake_trader;

-- Nothing asks for the open orders of one market: the trader reads those of all at once.
drop index trading.orders_by_symbol;

-- Down Migration
create index orders_by_symbol on trading.orders (source, symbol) where status in ('pending', 'open', 'partially_filled');
revoke delete on log.batches from ticklake_trader;
