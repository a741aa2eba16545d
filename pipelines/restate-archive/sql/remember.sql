-- Remembers files of $1 that a commit took, and every hash they had. A part of a file that is taken again adds to what
-- was taken before; with another hash the file stays as it was remembered, for the job that restates to find out.
with taken as (
  select path, kind, symbol, "interval", sha256, rows, keys::int8multirange as keys, "commitId" as commit_id
    from jsonb_to_recordset($2::jsonb) as t(path text, kind text, symbol text, "interval" text, sha256 text, rows bigint,
                                            keys text, "commitId" uuid)
), remembered as (
  insert into lake.archive_files as held (source, path, kind, symbol, "interval", sha256, keys, rows, commit_id)
  select $1, path, kind, symbol, "interval", sha256, keys, rows, commit_id from taken
  on conflict (source, path) do update
    set keys = held.keys + excluded.keys, rows = greatest(held.rows, excluded.rows),
        commit_id = excluded.commit_id, taken_at = excluded.taken_at
    where held.sha256 = excluded.sha256 and not held.keys @> excluded.keys
  returning path
)
insert into lake.archive_versions (source, path, sha256, rows, commit_id)
select $1, t.path, t.sha256, t.rows, t.commit_id
  from taken t
 where not exists (select from lake.archive_versions v where v.source = $1 and v.path = t.path and v.sha256 = t.sha256)
