-- Until when the bars of each table, source and interval reach, microseconds. Of ids, the last day with any.
select table_name as "table", source, nullif("interval", '') as "interval", max(hi) as "reachUs", null as day
  from lake.coverage where "interval" <> '' group by table_name, source, "interval"
union all
select table_name, source, null, null, max(day)::text from lake.tape_days group by table_name, source
order by "table", source, "reachUs" desc
