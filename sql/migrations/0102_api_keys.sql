-- Up Migration

-- Keys that programs of a user ask with. Each is known by the hash of its secret alone, and ends.
create table identity.api_keys (
  key_id uuid primary key,
  user_id uuid not null references identity.users on delete cascade,
  name text not null check (length(name) between 1 and 100),
  secret_hash bytea not null check (length(secret_hash) = 32),
  scopes text[] not null check (cardinality(scopes) > 0 and scopes <@ array['read', 'trade']),
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz,
  last_address text check (length(last_address) <= 64)
);
create index api_keys_of_user on identity.api_keys (user_id);

grant select, insert on identity.api_keys to ticklake_api;
grant update (revoked_at, last_used_at, last_address) on identity.api_keys to ticklake_api;

-- Down Migration
drop table identity.api_keys;
