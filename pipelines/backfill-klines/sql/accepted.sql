-- The bars to be held: closed, within the spans that are asked for, and of files without a fault.
create or replace temp table accepted as
select
  c.symbol, c."interval", make_timestamptz(open_us) as open_time, open, high, low, close, volume,
  make_timestamptz(close_us) as close_time, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume,
  source, false as is_filled, make_timestamp(open_us)::date as date, listing, file_no, open_us, step_us
from checked c
join asked a on a.symbol = c.symbol and a."interval" = c."interval" and c.open_us >= a.lo and c.open_us < a.hi, venue
where open_us + step_us <= now_us
  and file_no not in (select file_no from checked where refused is not null)
