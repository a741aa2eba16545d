-- Up Migration

-- Who did something is asked for as often as whom it was done to.
create index audit_by_actor on identity.audit (actor_id, entry_id) where actor_id is not null;
