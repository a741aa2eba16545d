-- Which markets were of the universe at a time, by what was known at that time: no market is there because it did well later.
-- $at = '2026-03-01': the time, in UTC
select source, symbol, listing_id, status, "rank", liquidity, valid_from
from market.symbols
where valid_from <= $at::timestamptz
  and (valid_to is null or valid_to > $at::timestamptz)
  and recorded_at <= $at::timestamptz
  and (superseded_at is null or superseded_at > $at::timestamptz)
order by source, "rank"
