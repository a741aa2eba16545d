-- Up Migration

-- How much waits for a webhook, and to be mailed to a user.
drop index alerts.deliveries_waiting_of;
create index deliveries_waiting_of on alerts.deliveries (webhook_id, user_id) where state = 'waiting';

-- Down Migration
drop index alerts.deliveries_waiting_of;
create index deliveries_waiting_of on alerts.deliveries (webhook_id) where state = 'waiting';
