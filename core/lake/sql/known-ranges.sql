-- Ranges of the ledger of some tables: what is held, wanted, and explained (as of a time, if $5 tells one).
-- $1 tables, $2 source, $3 symbol, $4 interval: null is all; $5 when, for each table, null for now
with asked as (
  select * from unnest($1::text[], $5::timestamptz[]) as t(table_name, explained_until)
), known as (
  select 'held' as kind, table_name, source, listing, "interval", lo, hi from lake.coverage
  union all
  select 'wanted', table_name, source, listing, "interval", lo, hi from lake.wanted
  union all
  select 'explained', x.table_name, x.source, x.listing, x."interval", x.lo, x.hi
    from lake.explained x join asked a using (table_name)
   where a.explained_until is null or x.explained_at <= a.explained_until
  union all
  select 'explained', x.table_name, x.source, x.listing, x."interval", x.lo, x.hi
    from lake.explained_before x join asked a using (table_name)
   where x.explained_at <= a.explained_until and x.ended_at > a.explained_until
)
select kind, table_name as table, source, listing, "interval", lo, hi
  from known
 where table_name = any($1) and ($2::text is null or source = $2)
   and ($3::text is null or regexp_replace(listing, '#[0-9]+$', '') = $3)
   and ($4::text is null or "interval" = $4)
