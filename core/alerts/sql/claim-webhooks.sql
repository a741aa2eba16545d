-- Takes the delivery of each webhook that is due longest, for so long that nobody else tries it meanwhile.
-- $1 how many, $2 for how many milliseconds, $3 webhooks that are being told already
-- What is due is told by the time of the statement: by one that goes on, its index is no use.
with due as (
  select distinct on (webhook_id) delivery_id, webhook_id from alerts.deliveries
   where state = 'waiting' and webhook_id is not null and next_at <= statement_timestamp()
     and webhook_id <> all ($3::uuid[])
   order by webhook_id, next_at, created_at
), turn as (
  -- Those that work come first, and by chance: neither a webhook that hangs nor one with much to be told keeps others waiting.
  select delivery_id from due join alerts.webhooks w using (webhook_id)
   order by w.failing_since is not null, random() limit $1
), taken as (
  select delivery_id from alerts.deliveries
   where delivery_id in (select delivery_id from turn)
     and state = 'waiting' and next_at <= clock_timestamp()
   for update skip locked
)
update alerts.deliveries d
   set attempts = attempts + 1, next_at = clock_timestamp() + $2 * interval '1 millisecond'
  from taken t, alerts.webhooks w
 where d.delivery_id = t.delivery_id and w.webhook_id = d.webhook_id
returning d.delivery_id as "deliveryId", d.webhook_id as "webhookId", d.user_id as "userId", d.body, d.attempts,
  w.url, w.is_active as "isActive", w.sealed_secret as "sealedSecret"
