-- Whose a session is that still counts; keeps when it was used, to the minute.
with used as (
  select s.session_id, s.seen_at, u.role
  from identity.sessions s join identity.users u using (user_id)
  where s.session_id = $1 and s.user_id = $2 and s.ended_at is null and u.disabled_at is null
    and s.expires_at > clock_timestamp() and s.seen_at > clock_timestamp() - $3 * interval '1 millisecond'
),
kept as (
  update identity.sessions s set seen_at = clock_timestamp() from used
  where s.session_id = used.session_id and used.seen_at < clock_timestamp() - interval '1 minute'
)
select role from used
