-- Up Migration

-- Rollbacks are few, and asked for often: whether one has undone what a file of the archive brought.
create index rollbacks on lake.commits (table_name, seq) where operation = 'rollback';

-- Down Migration
drop index lake.rollbacks;
