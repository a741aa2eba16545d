-- What became of files that the archive had replaced, the newest first. $1 source, $2 symbol, $3 interval: null is all;
-- $4 the last one of the page before, $5 limit
select restatement_id as "restatementId", source, path, table_name as table, symbol, nullif("interval", '') as interval,
       old_sha256 as "oldSha256", new_sha256 as "newSha256", rows_added as "rowsAdded", rows_removed as "rowsRemoved",
       rows_changed as "rowsChanged", snapshot_before::text as "snapshotBefore", snapshot_after::text as "snapshotAfter",
       tag, reason, jobs.iso(restated_at) as "restatedAt"
  from lake.restatements
 where ($1::text is null or source = $1) and ($2::text is null or symbol = $2)
   and ($3::text is null or "interval" = $3) and ($4::bigint is null or restatement_id < $4)
 order by restatement_id desc limit $5
