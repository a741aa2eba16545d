-- Up Migration

-- What was done about who may do what: signing in, passwords, roles, keys, kill switches.
create table identity.audit (
  entry_id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  event text not null check (event ~ '^[a-z_]{1,40}$'),
  -- Who did it, where that is a user.
  actor_id uuid,
  -- Whom it was about. Entries outlive their users.
  user_id uuid,
  -- Where a request came from.
  address text check (length(address) <= 64),
  detail text check (length(detail) <= 1000),
  -- The login of Postgres it was done by: the owner's is the command line.
  login text not null default session_user
);
create index audit_by_user on identity.audit (user_id, entry_id);

create function identity.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on identity.audit
  for each statement execute function identity.refuse_change();

-- Whoever changes a role or turns the kill switch, in the same transaction.
create function identity.audit_role() returns trigger language plpgsql set search_path = '' as $$
begin
  insert into identity.audit (event, user_id, detail)
  values ('role_changed', new.user_id, old.role || ' to ' || new.role);
  return null;
end $$;
create trigger audit_role after update of role on identity.users
  for each row when (old.role is distinct from new.role) execute function identity.audit_role();

create function identity.audit_kill_switch() returns trigger language plpgsql set search_path = '' as $$
begin
  insert into identity.audit (event, actor_id, detail)
  values (
    'kill_switch',
    -- Quoted, as it is a word of the language.
    case when new."by" ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then new."by"::uuid end,
    left(new.risk || ' for all: ' || new.reason, 1000)
  );
  return null;
end $$;
create trigger audit_kill_switch after insert on trading.global_risk_changes
  for each row execute function identity.audit_kill_switch();

-- Attempts to sign in that were not followed by a right one, by the hash of the account, and of account and address.
create table identity.sign_in_failures (
  key bytea primary key check (length(key) = 32),
  -- Attempts before it is locked.
  allowed integer not null check (allowed > 0),
  failures integer not null check (failures > 0),
  locked_until timestamptz,
  last_at timestamptz not null
);
create index sign_in_failures_by_time on identity.sign_in_failures (last_at);

grant select, insert on identity.audit to ticklake_api;
grant select, insert, update, delete on identity.sign_in_failures to ticklake_api;

-- Down Migration
drop trigger audit_kill_switch on trading.global_risk_changes;
drop trigger audit_role on identity.users;
drop table identity.sign_in_failures, identity.audit;
drop function identity.audit_kill_switch(), identity.audit_role(), identity.refuse_change();
