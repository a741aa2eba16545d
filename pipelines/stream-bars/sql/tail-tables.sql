create schema if not exists tail;

-- The newest bars of each market and interval, in the columns of the model `int_bars`.
create or replace table tail.bars (
  source varchar, symbol varchar, "interval" varchar, length_us bigint, open_us bigint,
  open double, high double, low double, close double, volume double, quote_volume double,
  trade_count bigint, is_filled boolean
);

create or replace table tail.said as from tail.bars;

-- Markets and intervals that are evaluated, and the earliest of their bars that were said.
create or replace table tail.wanted (source varchar, symbol varchar, "interval" varchar, from_us bigint);
