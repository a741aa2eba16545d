-- Portfolios that a batch has opened. $1–$4 their columns as text
insert into trading.portfolios (portfolio_id, user_id, name, opened_at_us)
select p.portfolio_id::uuid, p.user_id::uuid, p.name, p.opened_at_us::bigint
  from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as p (portfolio_id, user_id, name, opened_at_us)
