-- What changed of the assets of some portfolios up to a time, in its order: event by event where it matters (in hours in which
-- money moved, those of the window's ends, and where all are wanted so), else a sum for each hour; before the window one sum.
-- $1 user, $2 portfolio (null: of all), $3 and $4 the window in microseconds, $5 whether all of the window is wanted event by
-- event, $6 rows at most
-- Events and the ledger are read by their keys (`offset 0` keeps it so): a join would read all there are, as nothing says
-- beforehand that those that are meant are few.
with counted as materialized (
  select p.portfolio_id, coalesce(c.number, 0) as number
    from trading.portfolios p
    left join events.progress c on c.portfolio_id = p.portfolio_id and c.consumer = 'figures'
   where ($1::uuid is null or p.user_id = $1) and ($2::uuid is null or p.portfolio_id = $2)
), hours as materialized (
  select c.* from analytics.changes c join counted using (portfolio_id) where c.hour_us <= $4::bigint
), late as materialized (
  select e.portfolio_id, e.number, e.at_us, e.type
    from counted c
    join trading.heads h on h.portfolio_id = c.portfolio_id and h.number > c.number
   cross join lateral (
     select portfolio_id, number, at_us, type from trading.events
      where portfolio_id = c.portfolio_id and number > c.number
        and type in ('deposited', 'withdrawn', 'order_filled') and at_us <= $4::bigint
     offset 0
   ) e
), fine as materialized (
  select distinct hour_us from hours where hour_us + 3600000000 > $3::bigint and ($5::boolean or flows > 0)
   union
  select at_us - at_us % 3600000000 from late where type <> 'order_filled'
   union
  select edge - edge % 3600000000 from unnest(array[$3::bigint, $4::bigint]) as edge
), settled as (
  select e.portfolio_id, e.number, e.at_us, e.type
    from (
      select portfolio_id, hour_us, min(number_first) as number_first, max(number_last) as number_last
        from hours join fine using (hour_us) group by portfolio_id, hour_us
    ) h
   cross join lateral (
     select portfolio_id, number, at_us, type from trading.events
      where portfolio_id = h.portfolio_id and number between h.number_first and h.number_last
        and type in ('deposited', 'withdrawn', 'order_filled')
        and at_us >= h.hour_us and at_us < h.hour_us + 3600000000
     offset 0
   ) e
   union all
  select * from late
)
select at_us as "atUs", asset, amount, is_flow as "isFlow"
  from (
    select case when hour_us + 3600000000 <= $3::bigint then 0 else hour_us + 3599999999 end as at_us, null::uuid as portfolio_id,
           0 as number, asset, sum(amount) as amount, false as is_flow
      from hours
     where hour_us not in (select hour_us from fine)
     group by 1, asset
     union all
    select s.at_us, s.portfolio_id, s.number, l.asset, l.amount, s.type <> 'order_filled'
      from settled s
     cross join lateral (
       select asset, sum(amount) as amount from trading.ledger
        where portfolio_id = s.portfolio_id and number = s.number and account in ('available', 'held')
        group by asset
     ) l
     where s.at_us <= $4::bigint
  ) steps
 where amount <> 0
 order by at_us, portfolio_id, number, asset
 limit $6
