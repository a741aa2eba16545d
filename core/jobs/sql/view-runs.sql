-- Runs with the numbers of their partitions, what is done, and the time left.
-- $1 these runs, $2 job, $3 state, $4 chain whose steps are wanted, $5 the run before which the page begins, $6 limit
with page as (
  select r.* from jobs.runs r
   where ($1::uuid[] is null or r.run_id = any($1))
     and ($2::text is null or r.job = $2)
     and ($3::text is null or r.state = $3)
     and ($1::uuid[] is not null or r.parent_run_id is not distinct from $4::uuid)
     and ($5::uuid is null or (r.enqueued_at, r.run_id) < (select b.enqueued_at, b.run_id from jobs.runs b where b.run_id = $5))
   order by r.step, r.enqueued_at desc, r.run_id desc
   limit $6
), counted as (
  select p.run_id,
         count(*) as total,
         count(*) filter (where t.state = 'waiting') as waiting,
         count(*) filter (where t.state = 'running') as running,
         count(*) filter (where t.state = 'finished') as finished,
         count(*) filter (where t.state = 'failed') as failed,
         count(*) filter (where t.state = 'cancelled') as cancelled,
         sum(t.weight) as weight,
         sum(t.weight * part.done) as done,
         sum(t.weight * part.done) filter (where t.state = 'running' or t.ended_at >= p.resumed_at) as done_since
    from page p
    join jobs.runs m on m.run_id = p.run_id or m.parent_run_id = p.run_id
    join jobs.tasks t on t.run_id = m.run_id and t.kind = 'partition'
   cross join lateral (select case
       when t.state = 'finished' then 1
       when t.state = 'running' and t.total > 0 then least(1, t.done / t.total)
       else 0 end as done) part
   group by p.run_id
), planned as (
  select p.run_id,
         exists (select 1 from jobs.tasks t join jobs.runs m using (run_id)
                  where (m.run_id = p.run_id or m.parent_run_id = p.run_id)
                    and t.kind = 'plan' and t.state = 'finished') as is_planned,
         exists (select 1 from jobs.runs m
                  where m.parent_run_id = p.run_id and m.state = 'waiting') as has_more_steps
    from page p
)
select p.run_id as "runId", p.job, p.params, p.state, p.is_chain as "isChain", p.parent_run_id as "parentRunId", p.step,
       p.requested_by as "requestedBy", p.idempotency_key as "idempotencyKey", jobs.iso(p.enqueued_at) as "enqueuedAt",
       jobs.iso(p.started_at) as "startedAt", jobs.iso(p.ended_at) as "endedAt",
       jsonb_build_object(
         'total', coalesce(c.total, 0), 'waiting', coalesce(c.waiting, 0), 'running', coalesce(c.running, 0),
         'finished', coalesce(c.finished, 0), 'failed', coalesce(c.failed, 0), 'cancelled', coalesce(c.cancelled, 0)
       ) as partitions,
       case when not l.is_planned then null
            when p.state = 'succeeded' then 1
            else coalesce(c.done / c.weight, 0) end as progress,
       case when p.state = 'running' and not l.has_more_steps and c.done_since > 0
            then round((c.weight - c.done) * extract(epoch from clock_timestamp() - p.resumed_at) / c.done_since)::float8
            end as "secondsLeft",
       p.error
  from page p
  join planned l using (run_id)
  left join counted c using (run_id)
 order by p.step, p.enqueued_at desc, p.run_id desc
