-- Renews a worker's lease, writes how far its attempts are, and answers which of them it holds, or has finished, and
-- which it must have taken without hearing of it.
-- $1 worker, $2 lease in ms, $3 all its attempts, $4 to $7 those that have moved, with done, total and unit
with renewed as (
  update jobs.workers set lease_until = clock_timestamp() + $2 * interval '1 millisecond'
   where worker_id = $1
  returning worker_id
), moved as (
  update jobs.tasks t set done = p.done, total = p.total, unit = p.unit
    from unnest($4::uuid[], $5::float8[], $6::float8[], $7::text[]) as p(attempt_id, done, total, unit)
   where t.attempt_id = p.attempt_id and t.state = 'running' and t.worker_id = $1
)
select exists (select 1 from renewed) as is_known,
       array(select attempt_id::text from jobs.tasks
              where attempt_id = any($3::uuid[]) and (state = 'finished' or state = 'running' and worker_id = $1)
       ) as held,
       array(select attempt_id::text from jobs.tasks
              where worker_id = $1 and state = 'running' and attempt_id <> all($3::uuid[])
                and started_at < clock_timestamp() - $2 * interval '1 millisecond'
       ) as strays
