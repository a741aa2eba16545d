-- The newest close of each market that was there at each of some times, and since when. Of bars that end at once the venue's
-- counts before ours.
with asked as (
  select unnest(from_json($times, '["bigint"]')) as at_us
), lengths as (
  select unnest(from_json($lengths, '[{"interval": "varchar", "us": "bigint"}]'), recursive := true)
), observed as (
  select symbol, epoch_us(open_time) + us as closed_us, "close"::varchar as "close", 0 as rank
    from klines join lengths using ("interval")
   where source = $source and symbol in (select unnest(from_json($symbols, '["varchar"]')))
     and open_time between make_timestamptz($from_us::bigint) and make_timestamptz($to_us::bigint)
  union all
  select symbol, epoch_us(open_time) + us, "close"::varchar, 1
    from candles join lengths using ("interval")
   where source = $source and symbol in (select unnest(from_json($symbols, '["varchar"]')))
     and open_time between make_timestamptz($from_us::bigint) and make_timestamptz($to_us::bigint)
  union all
  select symbol, "closedUs", "close", 2
    from (select unnest(from_json($live, '[{"symbol": "varchar", "closedUs": "bigint", "close": "varchar"}]'), recursive := true))
), closes as (
  select symbol, closed_us, arg_min("close", rank) as "close" from observed group by symbol, closed_us
)
select a.symbol, a.at_us, c.closed_us, c."close"
  from (select symbol, at_us from asked cross join (select distinct symbol from closes)) a
  asof join closes c on a.symbol = c.symbol and a.at_us >= c.closed_us
