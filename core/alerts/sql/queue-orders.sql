-- Queues events of portfolios for the webhooks of their users. $1 portfolios, $2 subjects, $3 bodies, $4 how many may wait
-- for a webhook: what is more is not told, and noted
with told as (
  select w.webhook_id, w.user_id, e.subject, e.body, e.place,
         row_number() over (partition by w.webhook_id order by e.place) as nth
    from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality as e (portfolio_id, subject, body, place)
    join trading.portfolios p using (portfolio_id)
    join alerts.webhooks w on w.user_id = p.user_id and w.is_active and 'orders' = any(w.topics)
), waiting as materialized (
  select webhook_id, (select count(*) from (select from alerts.deliveries d
                                             where d.webhook_id = t.webhook_id and d.state = 'waiting' limit $4) w) as count
    from (select distinct webhook_id from told) t
)
insert into alerts.deliveries (webhook_id, user_id, topic, subject, body, state, ended_at)
select webhook_id, user_id, 'orders', subject, case when count + nth > $4 then '' else body end,
       case when count + nth > $4 then 'dropped' else 'waiting' end, case when count + nth > $4 then clock_timestamp() end
  from told join waiting using (webhook_id) order by place
on conflict do nothing
