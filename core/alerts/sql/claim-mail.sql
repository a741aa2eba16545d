-- Takes all that waits to be mailed to one user, in one mail, for so long that nobody else tries it meanwhile.
-- $1 for how many milliseconds, $2 until when nothing more is mailed to them, $3 how many at most
with next as (
  select m.user_id from alerts.mail_preferences m
   where m.not_before <= clock_timestamp()
     and exists (select from alerts.deliveries d where d.user_id = m.user_id and d.webhook_id is null
                    and d.state = 'waiting' and d.next_at <= clock_timestamp())
   limit 1 for update skip locked
), paused as (
  update alerts.mail_preferences m set not_before = clock_timestamp() + $2 * interval '1 millisecond'
    from next where m.user_id = next.user_id
), taken as (
  select d.delivery_id from alerts.deliveries d join next using (user_id)
   where d.webhook_id is null and d.state = 'waiting' and d.next_at <= clock_timestamp()
   order by d.created_at, d.delivery_id limit $3 for update of d skip locked
), claimed as (
  update alerts.deliveries d
     set attempts = attempts + 1, next_at = clock_timestamp() + $1 * interval '1 millisecond'
    from taken t, identity.users u
   where d.delivery_id = t.delivery_id and u.user_id = d.user_id
  returning d.delivery_id, d.created_at, d.body, d.attempts, u.email
)
select delivery_id as "deliveryId", body, attempts, email from claimed order by created_at, delivery_id
