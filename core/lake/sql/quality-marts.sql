-- What the marts were last made of, and how many commits of that have changed rows since.
select p.table_name as "table", p."interval", to_json(p.published_at) #>> '{}' as "publishedAt",
       (select count(*) from jsonb_each_text(p.sources) as source(name, seq)
          join lake.commits c on c.table_name = source.name and c.seq > source.seq::bigint
         where c.ids_added + c.ids_removed > 0 or c.ranges_revised <> '[]' or c.operation in ('rollback', 'repair')) as behind
  from quality.published p
 order by p.table_name, lake.step(p."interval")
