create schema if not exists live;

-- Trades as they come, in the columns of `market.trades` that matter to bars.
create or replace table live.batch (
  source varchar, symbol varchar, trade_id bigint, timestamp timestamptz, price decimal(38, 18), volume decimal(38, 18),
  side varchar
);

-- Parts of bars, by market and interval: of those that are open, and of closed ones for as long as late trades may come.
create or replace table live.parts (
  source varchar, symbol varchar, "interval" varchar, length_us bigint, open_us bigint,
  open decimal(38, 18), high decimal(38, 18), low decimal(38, 18), close decimal(38, 18),
  volume decimal(38, 18), quote_volume decimal(38, 18), trade_count bigint,
  taker_buy_volume decimal(38, 18), taker_buy_quote_volume decimal(38, 18),
  first_trade_id bigint, last_trade_id bigint
);

-- Of each market and interval, the bars to be said now, half-open. Where a late trade came, what is beside it follows from
-- it too: the bars from the one with trades before it on.
create or replace table live.due (
  source varchar, symbol varchar, "interval" varchar, from_us bigint, to_us bigint, floor_us bigint, is_late boolean,
  time_us bigint
);

-- Up to when bars of a market and interval are too old for a trade to come to them.
create or replace table live.kept (source varchar, symbol varchar, "interval" varchar, before_us bigint);

-- What the model is given for them.
create or replace table live.in_parts as from live.parts;
