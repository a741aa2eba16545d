-- Up Migration

-- Who may not sign in any more, and since when; only the owner's login says so.
alter table identity.users add column disabled_at timestamptz;

-- When a session was used last, to the minute: one that nobody uses ends.
alter table identity.sessions add column seen_at timestamptz not null default clock_timestamp();
grant update (seen_at) on identity.sessions to ticklake_api;

-- Down Migration
alter table identity.sessions drop column seen_at;
alter table identity.users drop column disabled_at;
