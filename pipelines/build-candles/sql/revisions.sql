-- What is to be appended: bars that are not held, those that are not the same any more, and those that nothing is left of.
-- These are withdrawn: flat, without trades, and not complete, as nothing proves them empty.
create or replace temp table revisions as
with new_bars as (
  select made.*, false as is_revised
  from made
  anti join held using (source, symbol, "interval", open_time)
),
same_bars as (
  select $columns from made
  intersect
  select $columns from held
),
changed_bars as (
  select made.* replace (greatest(made.revision, held.revision + 1) as revision), true as is_revised
  from made
  join held using (source, symbol, "interval", open_time)
  anti join same_bars using (source, symbol, "interval", open_time)
),
withdrawn_bars as (
  select
    held.* exclude (revision, computed_at) replace (
      close as open, close as high, close as low, 0 as volume, 0 as quote_volume, 0 as trade_count,
      0 as taker_buy_volume, 0 as taker_buy_quote_volume, true as is_filled, null as first_trade_id,
      null as last_trade_id, false as is_complete
    ),
    held.revision + 1 as revision,
    true as is_revised
  from held
  anti join made using (source, symbol, "interval", open_time)
  where held.is_complete or held.trade_count > 0
)
select *, $computed_at::timestamptz as computed_at
from (from new_bars union all by name from changed_bars union all by name from withdrawn_bars)
