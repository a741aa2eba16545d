-- Forgets rows resolved more than $1 days ago, and all but the $2 that were seen last.
delete from lake.reconciliation
 where resolved_at < now() - make_interval(days => $1)
    or seen_at < (select seen_at from lake.reconciliation order by seen_at desc offset $2 limit 1)
