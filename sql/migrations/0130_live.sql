-- Up Migration

-- The venue that executes a portfolio's orders; none where they are executed on paper.
alter table trading.heads add column venue text;
-- How far a live order has come on its way to the venue, as JSON; none of orders on paper.
alter table trading.orders add column live text;

-- The account at each venue has one portfolio, and one process that acts for it at a time: a lease by this server's clock.
-- Each who takes it has an epoch of its own, which must be the newest in whatever it writes.
create table trading.live_accounts (
  source text primary key,
  portfolio_id uuid not null unique,
  epoch bigint not null default 0,
  lease_until timestamptz not null default '-infinity'
);

-- The first fill of the account in each market that is not booked. It moves in the transaction that books the fills before it.
create table trading.live_fills (
  source text not null,
  symbol text not null,
  next_fill_id bigint not null check (next_fill_id >= 0),
  primary key (source, symbol)
);

grant select on trading.live_accounts, trading.live_fills to ticklake_api, ticklake_trader;
grant insert (source, portfolio_id) on trading.live_accounts to ticklake_api;
grant update (epoch, lease_until) on trading.live_accounts to ticklake_trader;
grant insert, update on trading.live_fills to ticklake_trader;

-- Down Migration
drop table trading.live_fills, trading.live_accounts;
alter table trading.orders drop column live;
alter table trading.heads drop column venue;
