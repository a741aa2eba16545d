-- Up Migration

-- Ids are wanted by the UTC day of their trades, so that a missing id has a day; null for bars.
alter table lake.wanted add column day date;

-- Down Migration
alter table lake.wanted drop column day;
