-- Bars that sources gave (brought), and flat ones for calendar gaps (filled), with the number of their file.
create or replace temp table brought (
  symbol varchar, "interval" varchar, open_time timestamptz, open decimal(38,18), high decimal(38,18), low decimal(38,18),
  close decimal(38,18), volume decimal(38,18), close_time timestamptz, quote_volume decimal(38,18), trade_count bigint,
  taker_buy_volume decimal(38,18), taker_buy_quote_volume decimal(38,18), source varchar, is_filled boolean, date date,
  listing varchar, file_no bigint, open_us bigint, step_us bigint
);
create or replace temp table filled as from brought
