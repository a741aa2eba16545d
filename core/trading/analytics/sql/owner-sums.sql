-- What was traded, by owner and quote asset. $1 user, $2 portfolio (null: of all), $3 and $4 hours from and to, $5 whether owners
-- are users, or else portfolios
select case when $5::boolean then p.user_id else p.portfolio_id end as "ownerId", f.quote,
       sum(f.fills)::bigint as fills, sum(f.volume) as volume, sum(f.fees) as fees,
       sum(f.realized_average) as "realizedAverage", sum(f.realized_fifo) as "realizedFifo"
  from analytics.fills f
  join trading.portfolios p using (portfolio_id)
 where f.hour_us >= $3::bigint and f.hour_us < $4::bigint
   and ($1::uuid is null or p.user_id = $1) and ($2::uuid is null or p.portfolio_id = $2)
 group by 1, f.quote
