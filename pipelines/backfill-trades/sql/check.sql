-- Trades of a file in their types, with the line each stands on and why it cannot be taken, or null. Of those that can,
-- only the ones of the time that is wanted.
create or replace temp table checked as
with lines as (
  select row_number() over () as line, *
  from read_csv($path, header = false, auto_detect = false, delim = ',', columns = {
    id: 'varchar', price: 'varchar', qty: 'varchar', quote_qty: 'varchar', time: 'varchar', is_buyer_maker: 'varchar',
    is_best_match: 'varchar'
  })
),
typed as (
  select line, try_cast(id as bigint) as trade_id, exact(price) as price, exact(qty) as volume,
         try_cast(time as bigint) * $scale::bigint as timestamp_us,
         case lower(is_buyer_maker) when 'true' then 'sell' when 'false' then 'buy' end as side
  from lines
  where line > $headers::bigint
),
judged as (
  select
    *,
    case
      when trade_id is null or trade_id < 0 then 'id is not a whole number of 0 or more'
      when price is null or volume is null then 'price or quantity is not a decimal of at most 18 places'
      when price <= 0 or volume <= 0 then 'price or quantity is not positive'
      when side is null then 'isBuyerMaker is neither true nor false'
      when timestamp_us is null or timestamp_us < $from_us::bigint or timestamp_us >= $to_us::bigint
        then 'time lies outside the period of the file'
    end as refused
  from typed
)
select *
from judged
where refused is not null or (timestamp_us >= $wanted_from_us::bigint and timestamp_us < $wanted_to_us::bigint)
