-- The bars to be held: closed, wanted, and of files without a fault.
create or replace temp view accepted as
select
  symbol, "interval", make_timestamptz(open_us) as open_time, open, high, low, close, volume,
  make_timestamptz(close_us) as close_time, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume,
  source, false as is_filled, make_timestamp(open_us)::date as date, file_no, open_us, step_us
from checked, wanted
where open_us + step_us <= now_us and open_us >= wanted_from_us and open_us < wanted_to_us
  and file_no not in (select file_no from checked where refused is not null)
