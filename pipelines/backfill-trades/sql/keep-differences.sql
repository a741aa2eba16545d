-- Keeps runs of differences ($7) between what table $1 holds of source $2 and listing $3, and what $4 (hash $5) says.
insert into lake.differences (table_name, source, listing, lo, hi, keys, held, found, origin, sha256, commit_id)
select $1, $2, $3, lo, hi, keys, nullif(held, 'null'::jsonb), found, $4, $5, $6::uuid
  from jsonb_to_recordset($7::jsonb) as t(lo bigint, hi bigint, keys bigint, held jsonb, found jsonb)
on conflict do nothing
