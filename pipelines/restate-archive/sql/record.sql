-- Records what became of a file that the archive had replaced, with the snapshots of the commit $11.
insert into lake.restatements (source, path, table_name, symbol, "interval", old_sha256, new_sha256, rows_added,
                               rows_removed, rows_changed, sample, commit_id, snapshot_before, snapshot_after, tag, reason)
select $1, $2, $3, f.symbol, f."interval", $4, $5, $6, $7, $8, $9::jsonb, c.commit_id,
       case when c.snapshot_id is not null then c.parent_snapshot_id end, c.snapshot_id,
       case when c.snapshot_id is not null and c.parent_snapshot_id is not null then $10 end, $12
  from lake.archive_files f, lake.commits c
 where f.source = $1 and f.path = $2 and c.commit_id = $11
