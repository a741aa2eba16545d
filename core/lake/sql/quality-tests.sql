-- What the data tests said last; of those that did not pass, what failed.
select relation,
       case when status <> 'pass' then jsonb_build_object(
         'test', test, 'column', "column", 'status', status, 'severity', severity, 'failures', failures,
         'examples', examples, 'message', message, 'failingSince', failing_since, 'checkedAt', checked_at) end as failed
  from quality.tests
 order by severity, relation, test
