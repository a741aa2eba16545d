-- Up Migration
-- Orders and money. A transaction locks the heads of its portfolios, in the order of their ids, before it reads or
-- writes anything else of them; that, and not foreign keys, holds these tables together. Times are microseconds since
-- 1970 UTC. `x < 'Infinity'` keeps NaN out, which passes for the greatest of numbers.
create schema trading;

-- What never changes of a portfolio.
create table trading.portfolios (
  portfolio_id uuid primary key,
  user_id uuid not null,
  name text not null,
  opened_at_us bigint not null
);
create index portfolios_by_user on trading.portfolios (user_id, opened_at_us, portfolio_id);

-- The newest event of a portfolio, and what follows from its events and is no table of its own.
create table trading.heads (
  portfolio_id uuid primary key,
  number bigint not null check (number > 0),
  hash bytea not null check (length(hash) = 32),
  risk text not null check (risk in ('active', 'reducing', 'halted')),
  -- Of the portfolio, as JSON.
  limits text not null,
  order_rate text not null,
  day text not null,
  cancel_after_us bigint
) with (fillfactor = 50);
create index heads_by_switch on trading.heads (cancel_after_us) where cancel_after_us is not null;

create table trading.balances (
  portfolio_id uuid not null,
  asset text not null,
  available numeric(38, 18) not null check (available >= 0 and available < 'Infinity'),
  held numeric(38, 18) not null check (held >= 0 and held < 'Infinity'),
  primary key (portfolio_id, asset)
) with (fillfactor = 50);

create table trading.holdings (
  portfolio_id uuid not null,
  base text not null,
  quote text not null,
  quantity numeric(38, 18) not null check (quantity >= 0 and quantity < 'Infinity'),
  cost numeric(38, 18) not null check (cost >= 0 and cost < 'Infinity'),
  realized_average numeric(38, 18) not null check (realized_average < 'Infinity'),
  realized_fifo numeric(38, 18) not null check (realized_fifo < 'Infinity'),
  primary key (portfolio_id, base, quote)
) with (fillfactor = 50);

-- What was bought at one price and is not sold yet; `number` is of the event that bought it.
create table trading.lots (
  portfolio_id uuid not null,
  base text not null,
  quote text not null,
  number bigint not null,
  quantity numeric(38, 18) not null check (quantity > 0 and quantity < 'Infinity'),
  unit_cost numeric(38, 18) not null check (unit_cost >= 0 and unit_cost < 'Infinity'),
  primary key (portfolio_id, base, quote, number)
);

-- Orders as they are after their newest event; those that were rejected, too.
create table trading.orders (
  order_id uuid primary key,
  portfolio_id uuid not null,
  source text not null,
  symbol text not null,
  base text,
  quote text,
  side text not null check (side in ('buy', 'sell')),
  type text not null check (type in ('market', 'limit', 'stop_loss', 'stop_limit')),
  quantity numeric(38, 18) not null check (quantity < 'Infinity'),
  price numeric(38, 18) check (price < 'Infinity'),
  stop_price numeric(38, 18) check (stop_price < 'Infinity'),
  time_in_force text not null check (time_in_force in ('GTC', 'IOC', 'FOK')),
  post_only boolean not null,
  client_order_id text,
  status text not null
    check (status in ('pending', 'open', 'partially_filled', 'filled', 'canceled', 'rejected', 'expired')),
  filled_quantity numeric(38, 18) not null check (filled_quantity >= 0 and filled_quantity < 'Infinity'),
  filled_quote numeric(38, 18) not null check (filled_quote >= 0 and filled_quote < 'Infinity'),
  fees numeric(38, 18) not null check (fees >= 0 and fees < 'Infinity'),
  held numeric(38, 18) not null check (held >= 0 and held < 'Infinity'),
  placed_at_us bigint not null,
  active_after_trade_id bigint not null,
  queue_ahead numeric(38, 18) not null check (queue_ahead >= 0 and queue_ahead < 'Infinity'),
  -- Of rejected orders: why.
  reject_code text,
  reject_detail text,
  -- Of its newest event.
  number bigint not null,
  check (status = 'rejected' or quantity > 0 and filled_quantity <= quantity),
  check ((status = 'rejected') = (reject_code is not null)),
  check (status = 'rejected' or base is not null and quote is not null),
  check (status in ('pending', 'open', 'partially_filled') or held = 0)
) with (fillfactor = 70);
create index orders_by_portfolio on trading.orders (portfolio_id, placed_at_us, order_id);
create index orders_open on trading.orders (portfolio_id) where status in ('pending', 'open', 'partially_filled');
create index orders_by_symbol on trading.orders (source, symbol) where status in ('pending', 'open', 'partially_filled');

-- What has happened, in the exact text that is hashed: hash = SHA-256 of the hash before (32 zero bytes before the
-- first) and the text. Numbered from 1 without holes.
create table trading.events (
  portfolio_id uuid not null,
  number bigint not null check (number > 0),
  type text not null,
  -- What the event is about: an order, a deposit, a withdrawal.
  subject_id text,
  at_us bigint not null,
  body text not null,
  hash bytea not null check (length(hash) = 32),
  primary key (portfolio_id, number)
);
create index events_by_subject on trading.events (subject_id, number) where subject_id is not null;
create index events_settled on trading.events (portfolio_id, number)
  where type in ('deposited', 'withdrawn', 'order_filled');

create function trading.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on trading.events
  for each statement execute function trading.refuse_change();

-- Double entry: what an event moves between accounts sums to zero in each asset.
create table trading.ledger (
  portfolio_id uuid not null,
  number bigint not null,
  asset text not null,
  account text not null check (account in ('available', 'held', 'external', 'market', 'fees')),
  amount numeric(38, 18) not null check (amount < 'Infinity'),
  primary key (portfolio_id, number, asset, account)
);
create trigger append_only before update or delete or truncate on trading.ledger
  for each statement execute function trading.refuse_change();

-- What was answered under a key, for ever: the events from `number_first` to `number_last`.
create table trading.idempotency (
  portfolio_id uuid not null,
  kind text not null check (kind in ('key', 'client_order_id')),
  key text not null,
  body_hash text not null,
  number_first bigint not null,
  number_last bigint not null,
  primary key (portfolio_id, kind, key)
);
create trigger append_only before update or delete or truncate on trading.idempotency
  for each statement execute function trading.refuse_change();

-- Events that are not in the log's topic yet. A portfolio's come in the order of `seq`, as they are written under the
-- lock of its head; those of several portfolios become visible in any order.
create table trading.outbox (
  seq bigint generated always as identity primary key,
  portfolio_id uuid not null,
  number bigint not null
);

-- The kill switch. Batches read it under a shared lock, and it is turned under the exclusive one.
create table trading.global_risk (
  is_only boolean primary key default true check (is_only),
  risk text not null check (risk in ('active', 'reducing', 'halted'))
);
insert into trading.global_risk (risk) values ('active');

-- Who turned it, when and why.
create table trading.global_risk_changes (
  change_id bigint generated always as identity primary key,
  risk text not null check (risk in ('active', 'reducing', 'halted')),
  by text not null,
  reason text not null,
  at_us bigint not null
);
create trigger append_only before update or delete or truncate on trading.global_risk_changes
  for each statement execute function trading.refuse_change();

grant usage on schema trading to ticklake_api, ticklake_trader;
grant select on all tables in schema trading to ticklake_api, ticklake_trader;
grant insert on trading.portfolios, trading.events, trading.ledger, trading.idempotency
  to ticklake_api, ticklake_trader;
grant insert, update on trading.heads, trading.balances, trading.holdings, trading.orders
  to ticklake_api, ticklake_trader;
grant insert, update, delete on trading.lots to ticklake_api, ticklake_trader;
grant insert, delete on trading.outbox to ticklake_api, ticklake_trader;
grant update on trading.global_risk to ticklake_api;
grant insert on trading.global_risk_changes to ticklake_api;

-- Down Migration
drop schema trading cascade;
