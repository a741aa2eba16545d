-- Partitions of a run in the order in which they are done.
-- $1 run, $2 state, $3 offset, $4 limit
select t.key, t.description, t.state, t.weight, t.params,
       (select count(*) from jobs.attempts a where a.run_id = t.run_id and a.kind = t.kind and a.key = t.key) as attempts,
       case when t.total is not null then jsonb_build_object('done', t.done, 'total', t.total, 'unit', t.unit) end as progress,
       t.committed, t.error, jobs.iso(t.due_at) as "dueAt", jobs.iso(t.started_at) as "startedAt",
       jobs.iso(t.ended_at) as "endedAt"
  from jobs.tasks t
 where t.run_id = $1 and t.kind = 'partition' and ($2::text is null or t.state = $2)
 order by t.rank offset $3 limit $4
