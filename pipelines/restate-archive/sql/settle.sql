-- Makes what a file is at present what is remembered of it, if it still has the hash $3; tells whether it had.
with settled as (
  update lake.archive_files
     set sha256 = $4, keys = $5::int8multirange, rows = $6, commit_id = $7, taken_at = clock_timestamp(),
         checked_at = clock_timestamp(), verdict = 'restated', detail = null
   where source = $1 and path = $2 and sha256 = $3
  returning source, path, sha256, rows, commit_id
)
insert into lake.archive_versions (source, path, sha256, rows, commit_id)
select source, path, sha256, rows, commit_id from settled
returning version_id
