-- What was answered before under keys, with the events of the answer.
-- $1 portfolios, $2 kinds, $3 keys
select i.portfolio_id as "portfolioId", i.kind, i.key, i.body_hash as "bodyHash",
       i.number_first as "numberFirst", i.number_last as "numberLast",
       array(select e.body from trading.events e
              where e.portfolio_id = i.portfolio_id and e.number between i.number_first and i.number_last
              order by e.number) as bodies
  from unnest($1::text[], $2::text[], $3::text[]) as k (portfolio_id, kind, key)
  join trading.idempotency i
    on i.portfolio_id = k.portfolio_id::uuid and i.kind = k.kind and i.key = k.key
