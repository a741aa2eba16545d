-- What tests said last. $1 the run, $2 the tests as JSON.
insert into quality.tests as known
  (test, relation, "column", status, severity, failures, examples, message, run_id, failing_since)
select test, relation, "column", status, severity, failures, coalesce(examples, '[]'), message, $1,
       case when status <> 'pass' then clock_timestamp() end
  from jsonb_to_recordset($2::jsonb) as t(test text, relation text, "column" text, status text, severity text,
                                          failures bigint, examples jsonb, message text)
on conflict (test) do update
  set relation = excluded.relation, "column" = excluded."column", status = excluded.status, severity = excluded.severity,
      failures = excluded.failures, examples = excluded.examples, message = excluded.message, run_id = excluded.run_id,
      checked_at = clock_timestamp(),
      failing_since = case when excluded.status <> 'pass' then coalesce(known.failing_since, excluded.failing_since) end
