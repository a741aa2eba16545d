-- Notes what a mart is made of from this commit on, unless another run has published it meanwhile: then fewer rows come back.
-- $1 mart, $2 commit, $3 sources, $4 the SQL's hash, $5 intervals, $6 the commit that each was last published by, or null,
-- $7 the project's hash.
insert into quality.published as p (table_name, "interval", commit_id, sources, sql_sha256, project_sha256)
select $1, "interval", $2, $3, $4, $7 from unnest($5::text[], $6::uuid[]) as t("interval", before)
 where before is not null or not exists (select 1 from quality.published q where q.table_name = $1 and q."interval" = t."interval")
on conflict (table_name, "interval") do update
  set commit_id = excluded.commit_id, sources = excluded.sources, sql_sha256 = excluded.sql_sha256,
      project_sha256 = excluded.project_sha256, published_at = clock_timestamp()
where p.commit_id in (select before from unnest($5::text[], $6::uuid[]) as t("interval", before)
                       where t."interval" = p."interval")
returning 1
