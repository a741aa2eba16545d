-- Up Migration
create schema identity;

-- Who may sign in. The address is kept in small letters, and is one person's.
create table identity.users (
  user_id uuid primary key,
  email text not null unique check (email = lower(email) and length(email) between 3 and 254),
  -- bcrypt, cost 12 at least.
  password_hash text not null check (password_hash ~ '^[$]2[aby][$](1[2-9]|2[0-9]|3[01])[$][./A-Za-z0-9]{53}$'),
  display_name text check (length(display_name) between 1 and 100),
  role text not null default 'trader' check (role in ('trader', 'analyst', 'operator', 'admin')),
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create index users_by_time on identity.users (created_at, user_id);

-- A token names its session and counts for as long as that has not ended.
create table identity.sessions (
  session_id uuid primary key,
  user_id uuid not null references identity.users on delete cascade,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  ended_by text check (ended_by in ('sign_out', 'password_change', 'operator')),
  check ((ended_at is null) = (ended_by is null))
);
create index sessions_of_user on identity.sessions (user_id);

-- Nobody gives himself a role: it is given by the owner's login alone.
grant usage on schema identity to ticklake_api;
grant select on identity.users, identity.sessions to ticklake_api;
grant insert (user_id, email, password_hash, display_name) on identity.users to ticklake_api;
grant update (password_hash, display_name, updated_at) on identity.users to ticklake_api;
grant insert on identity.sessions to ticklake_api;
grant update (ended_at, ended_by) on identity.sessions to ticklake_api;
grant delete on identity.sessions to ticklake_api;

-- Down Migration
drop schema identity cascade;
