-- Runs of consecutive accepted ids. Where a listing's ids are one run, which is the rule, they need no sorting.
with listings as (
  select source, listing, min(trade_id) as lo, max(trade_id) + 1 as hi, count(*) as ids
  from accepted
  group by source, listing
),
numbered as (
  select source, listing, trade_id,
         trade_id - row_number() over (partition by source, listing order by trade_id) as run
  from accepted
  semi join (from listings where hi - lo <> ids) using (source, listing)
)
select source, listing, lo, hi from listings where hi - lo = ids
union all
select source, listing, min(trade_id) as lo, max(trade_id) + 1 as hi from numbered group by source, listing, run
order by source, listing, lo
