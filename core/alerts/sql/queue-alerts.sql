-- Queues alerts for the webhooks and the mail of all who see them. $1 alerts as JSON, $2 whether there is mail,
-- $3 how many may wait in a place: what is more is not told, and noted
with news as (
  select "alertId" as subject, body, severity, audience, "userId" as about
    from jsonb_to_recordset($1::jsonb) as a("alertId" text, audience text, severity text, "userId" uuid, body text)
), told as (
  -- Each by its key: by one condition all users would be gone through for each alert.
  select a.subject, a.body, a.severity, u.user_id
    from news a join identity.users u on u.user_id = a.about where a.audience <> 'operators'
   union
  select a.subject, a.body, a.severity, u.user_id
    from news a join identity.users u on u.role in ('operator', 'admin') where a.audience <> 'user'
), places as (
  select w.webhook_id, t.* from told t join alerts.webhooks w using (user_id)
   where w.is_active and 'alerts' = any(w.topics)
  union all
  select null, t.* from told t join alerts.mail_preferences m using (user_id)
   where $2 and array_position(array['info', 'warning', 'critical'], t.severity)
             >= array_position(array['info', 'warning', 'critical'], m.severity_min)
), waiting as materialized (
  select webhook_id, user_id,
         case when webhook_id is null
              then (select count(*) from (select from alerts.deliveries d
                     where d.webhook_id is null and d.user_id = p.user_id and d.state = 'waiting' limit $3) w)
              else (select count(*) from (select from alerts.deliveries d
                     where d.webhook_id = p.webhook_id and d.state = 'waiting' limit $3) w)
         end as count
    from (select distinct webhook_id, user_id from places) p
), judged as (
  select p.*, w.count + row_number() over (partition by p.webhook_id, p.user_id order by p.subject) > $3 as is_full
    from places p join waiting w on w.webhook_id is not distinct from p.webhook_id and w.user_id = p.user_id
)
insert into alerts.deliveries (webhook_id, user_id, topic, subject, body, state, ended_at)
select webhook_id, user_id, 'alerts', subject, case when is_full then '' else body end,
       case when is_full then 'dropped' else 'waiting' end, case when is_full then clock_timestamp() end
  from judged
on conflict do nothing
