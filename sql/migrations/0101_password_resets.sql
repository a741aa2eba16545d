-- Up Migration

-- Tokens that set a new password, once, each known by its hash alone. Only the owner's login makes them.
create table identity.password_resets (
  token_hash bytea primary key check (length(token_hash) = 32),
  user_id uuid not null references identity.users on delete cascade,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index password_resets_of_user on identity.password_resets (user_id);

alter table identity.sessions drop constraint sessions_ended_by_check;
alter table identity.sessions add constraint sessions_ended_by_check
  check (ended_by in ('sign_out', 'password_change', 'password_reset', 'operator'));

grant select on identity.password_resets to ticklake_api;
grant update (used_at) on identity.password_resets to ticklake_api;

-- Down Migration
drop table identity.password_resets;
update identity.sessions set ended_by = 'password_change' where ended_by = 'password_reset';
alter table identity.sessions drop constraint sessions_ended_by_check;
alter table identity.sessions add constraint sessions_ended_by_check
  check (ended_by in ('sign_out', 'password_change', 'operator'));
