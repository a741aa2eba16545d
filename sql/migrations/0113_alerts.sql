-- Up Migration

-- What people should know of, what they asked to be told of, and whom it was told to.
create schema alerts;

-- The number of the newest change of an alert. Who changes one holds this row to the end of its transaction, so changes
-- become visible in the order of their numbers: who has read up to one has missed none.
create table alerts.clock (
  is_only boolean primary key default true check (is_only),
  sequence bigint not null
);
insert into alerts.clock (sequence) values (0);

create table alerts.alerts (
  alert_id uuid primary key default gen_random_uuid(),
  -- Of its newest change.
  sequence bigint not null unique,
  -- What raised it, which raises no second one.
  cause_key text not null unique,
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  severity text not null check (severity in ('info', 'warning', 'critical')),
  -- For people, with its figures.
  cause text not null check (length(cause) between 1 and 1000),
  detail jsonb not null,
  -- Who sees it: the user it is about, who watches over trading, or both.
  audience text not null check (audience in ('user', 'operators', 'both')),
  user_id uuid,
  portfolio_id uuid,
  raised_at timestamptz not null default clock_timestamp(),
  acknowledged_at timestamptz,
  acknowledged_by uuid,
  check ((acknowledged_at is null) = (acknowledged_by is null)),
  check (audience = 'operators' or user_id is not null)
);
create index alerts_by_time on alerts.alerts (raised_at, alert_id);
create index alerts_by_user on alerts.alerts (user_id, raised_at, alert_id);
create index alerts_open on alerts.alerts (raised_at, alert_id) where acknowledged_at is null;

create function alerts.number_change() returns trigger language plpgsql set search_path = '' as $$
begin
  update alerts.clock set sequence = sequence + 1 returning sequence into new.sequence;
  return new;
end $$;
create trigger number_change before insert or update on alerts.alerts
  for each row execute function alerts.number_change();

-- Prices that a user wants to be told of; each is told once.
create table alerts.price_alerts (
  price_alert_id uuid primary key,
  user_id uuid not null references identity.users on delete cascade,
  source text not null,
  symbol text not null,
  direction text not null check (direction in ('above', 'below')),
  price numeric(38, 18) not null check (price > 0 and price < 'Infinity'),
  note text check (length(note) between 1 and 200),
  -- The market's newest trade as it was set: later ones may reach the price.
  after_trade_id bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  raised_at timestamptz,
  raised_trade_id bigint,
  check ((raised_at is null) = (raised_trade_id is null))
);
create index price_alerts_by_user on alerts.price_alerts (user_id, created_at, price_alert_id);
create index price_alerts_waiting on alerts.price_alerts (source, symbol) where raised_at is null;

-- Where a user's programs are told. The secret that messages are signed with is sealed (AES-256-GCM) with a key that is
-- not in Postgres.
create table alerts.webhooks (
  webhook_id uuid primary key,
  user_id uuid not null references identity.users on delete cascade,
  url text not null check (length(url) <= 2000),
  topics text[] not null check (cardinality(topics) > 0 and topics <@ array['alerts', 'orders']),
  sealed_secret bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  is_active boolean not null default true,
  -- Since when nothing could be delivered; none while it works.
  failing_since timestamptz,
  disabled_because text,
  check (is_active = (disabled_because is null))
);
create index webhooks_by_user on alerts.webhooks (user_id, created_at, webhook_id);

create table alerts.mail_preferences (
  user_id uuid primary key references identity.users on delete cascade,
  -- Less severe ones are not mailed; null: none are.
  severity_min text check (severity_min in ('info', 'warning', 'critical')),
  -- No mail before: what waits then is one mail.
  not_before timestamptz not null default '-infinity'
);

-- What is to be told, written with what it tells of.
create table alerts.deliveries (
  delivery_id uuid primary key default gen_random_uuid(),
  -- Null: by mail.
  webhook_id uuid references alerts.webhooks on delete cascade,
  user_id uuid not null,
  topic text not null check (topic in ('alerts', 'orders')),
  -- What it tells of, which is told once in each place.
  subject text not null,
  body text not null,
  state text not null default 'waiting' check (state in ('waiting', 'delivered', 'failed', 'dropped')),
  attempts integer not null default 0,
  -- Not before; who tries moves it on first, so that nobody else does meanwhile.
  next_at timestamptz not null default clock_timestamp(),
  -- What the newest attempt came to.
  answer text check (length(answer) <= 500),
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  check ((state = 'waiting') = (ended_at is null)),
  unique nulls not distinct (webhook_id, user_id, subject)
);
create index deliveries_waiting on alerts.deliveries (next_at) where state = 'waiting';
create index deliveries_waiting_of on alerts.deliveries (webhook_id) where state = 'waiting';
create index deliveries_of_webhook on alerts.deliveries (webhook_id, created_at, delivery_id);
create index deliveries_ended on alerts.deliveries (ended_at) where ended_at is not null;

-- What is remembered of how a user traded, to tell the unusual from the usual; JSON.
create table alerts.conduct (
  user_id uuid primary key,
  state text not null
);

grant usage on schema alerts to ticklake_api, ticklake_events;
grant select on alerts.alerts, alerts.clock, alerts.price_alerts, alerts.webhooks, alerts.mail_preferences,
  alerts.deliveries to ticklake_api, ticklake_events;
grant update (sequence) on alerts.clock to ticklake_api, ticklake_events;

grant update (acknowledged_at, acknowledged_by) on alerts.alerts to ticklake_api;
grant insert, delete on alerts.price_alerts, alerts.webhooks to ticklake_api;
grant update (is_active, failing_since, disabled_because) on alerts.webhooks to ticklake_api, ticklake_events;
grant insert (user_id, severity_min) on alerts.mail_preferences to ticklake_api;
grant update (severity_min) on alerts.mail_preferences to ticklake_api;

grant insert on alerts.alerts to ticklake_events;
grant update (raised_at, raised_trade_id) on alerts.price_alerts to ticklake_events;
grant update (not_before) on alerts.mail_preferences to ticklake_events;
grant insert, update, delete on alerts.deliveries to ticklake_events;
grant select, insert, update on alerts.conduct to ticklake_events;
-- To whom mail goes, and who watches over trading.
grant usage on schema identity to ticklake_events;
grant select (user_id, email, role) on identity.users to ticklake_events;

-- Down Migration
revoke select (user_id, email, role) on identity.users from ticklake_events;
revoke usage on schema identity from ticklake_events;
drop schema alerts cascade;
