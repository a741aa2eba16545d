-- What marts were last made of, by interval. It is no longer known where a mart was changed by anything but its publishing and
-- upkeep, or a source was set back. $1 marts.
select p.table_name as "table", p."interval", p.commit_id as "commitId", p.sources, p.sql_sha256 as "sqlSha256", p.project_sha256 as "projectSha256",
       not exists (select 1 from lake.commits made join lake.commits c on c.table_name = made.table_name and c.seq > made.seq
                    where made.commit_id = p.commit_id and c.operation in ('rollback', 'outside', 'repair'))
       and not exists (select 1 from jsonb_each_text(p.sources) as source(name, seq) join lake.commits c
                           on c.table_name = source.name and c.seq > source.seq::bigint
                        where c.operation in ('rollback', 'repair')) as "isKnown"
  from quality.published p
 where p.table_name = any($1)
