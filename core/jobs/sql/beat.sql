-- Renews a worker's lease, writes how far its attempts are, and answers which it still holds.
-- $1 worker, $2 lease in ms, $3 to $6 attempts with done, total and unit
with renewed as (
  update jobs.workers set lease_until = clock_timestamp() + $2 * interval '1 millisecond'
   where worker_id = $1
  returning worker_id
), moved as (
  update jobs.tasks t set done = p.done, total = p.total, unit = p.unit
    from unnest($3::uuid[], $4::float8[], $5::float8[], $6::text[]) as p(attempt_id, done, total, unit)
   where t.attempt_id = p.attempt_id and t.state = 'running' and t.worker_id = $1
)
select exists (select 1 from renewed) as is_known,
       array(select attempt_id::text from jobs.tasks where worker_id = $1 and state = 'running') as held
