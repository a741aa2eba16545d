-- How many events of each type there were, by owner. $1 user, $2 portfolio (null: of all), $3 and $4 hours from and to, $5
-- whether owners are users, or else portfolios
select case when $5::boolean then p.user_id else p.portfolio_id end as "ownerId", a.type, sum(a.events)::bigint as events,
       max(a.hour_us) as "lastHourUs"
  from analytics.activity a
  join trading.portfolios p using (portfolio_id)
 where a.hour_us >= $3::bigint and a.hour_us < $4::bigint
   and ($1::uuid is null or p.user_id = $1) and ($2::uuid is null or p.portfolio_id = $2)
 group by 1, a.type
