-- Runs of consecutive ids in the relation $relation. Where the ids are one run, which is the rule, they need no sorting.
with span as (
  select min(trade_id) as lo, max(trade_id) + 1 as hi, count(*) as ids from $relation
),
numbered as (
  select trade_id, trade_id - row_number() over (order by trade_id) as run
  from $relation
  where (select hi - lo <> ids from span)
)
select lo, hi from span where hi - lo = ids
union all
select min(trade_id) as lo, max(trade_id) + 1 as hi from numbered group by run
order by lo
