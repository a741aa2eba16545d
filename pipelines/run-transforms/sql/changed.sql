-- Bars of which rows are to be made again, as ranges of open times: those that commits have touched since, as many bars before
-- as look ahead at them ($2), and as many after as remember them ($3). Where rows are made of all markets together ($4), those
-- of all markets of the tables $5. $1 the newest commit of each table and interval that the mart has.
with known as (
  select * from jsonb_to_recordset($1::jsonb) as t("interval" text, "table" text, seq bigint)
), touched as (
  select t."interval", t.source, case when not $4 then regexp_replace(t.listing, '#[0-9]+$', '') end as symbol,
         int8range(t.lo - $2 * lake.step(t."interval"), t.hi + $3 * lake.step(t."interval")) as bars
    from known
    join lake.commits c on c.table_name = known."table" and c.seq > known.seq
   cross join jsonb_to_recordset(c.ranges_added || c.ranges_removed || c.ranges_revised)
           as t(source text, listing text, "interval" text, lo bigint, hi bigint)
   where t."interval" = known."interval"
), merged as (
  select source, symbol, "interval", range_agg(bars) as bars from touched group by source, symbol, "interval"
), markets as (
  select distinct source, regexp_replace(listing, '#[0-9]+$', '') as symbol, "interval"
    from lake.coverage where $4 and table_name = any($5)
)
select m.source, coalesce(m.symbol, markets.symbol) as symbol, m."interval", lower(part) as lo, upper(part) as hi
  from merged m
  left join markets on m.symbol is null and markets.source = m.source and markets."interval" = m."interval"
 cross join unnest(m.bars) as part
 where coalesce(m.symbol, markets.symbol) is not null
