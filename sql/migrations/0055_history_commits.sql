-- Up Migration

-- The newest commit of a table that came by a job, not from the log: looked for every few seconds among many.
create index commits_of_history on lake.commits (table_name, committed_at)
  where offsets = '[]' and ids_added + ids_removed > 0;

-- Down Migration
drop index lake.commits_of_history;
