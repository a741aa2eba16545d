-- Days of trades whose candles are to be made, or made again: since the last time a commit touched their ids or those of
-- their neighbour days, or they have become whole. A day without trades belongs to the day after it, where the ids follow
-- each other over it. What takes candles back (a rollback, another program) makes all days due that were built before.
-- $1 symbols, $2 first and $3 last day (null is all), $4 whether all days are due.
with days as (
  select source, listing, day, first_id, last_id,
         lag(day) over listing as before_day, lag(last_id) over listing as before_id,
         lead(day) over listing as after_day, lead(first_id) over listing as after_id
    from lake.tape_days
   where table_name = 'market.trades'
  window listing as (partition by source, listing order by day)
), chosen as (
  select d.*, regexp_replace(d.listing, '#[0-9]+$', '') as symbol,
         built.trades_seq, built.built_at, coalesce(built.builds, 0) as builds, built.is_whole as was_whole,
         int8multirange(int8range(d.first_id, d.last_id + 1)) as ids
    from days d
    left join lake.candle_days built using (source, listing, day)
   where ($1::text[] is null or regexp_replace(d.listing, '#[0-9]+$', '') = any($1))
     and ($2::date is null or d.day >= $2) and ($3::date is null or d.day <= $3)
), touched as (
  select t.source, t.listing, unnest(range_agg(int8range(t.lo, t.hi))) as ids
    from lake.commits c,
         jsonb_to_recordset(c.ranges_added || c.ranges_removed) as t(source text, listing text, lo bigint, hi bigint)
   where c.table_name = 'market.trades' and c.seq > (select min(trades_seq) from chosen)
   group by t.source, t.listing
), files as (
  select source, symbol, substring(path from '-trades-([0-9-]+)\.zip$') as period, keys
    from lake.archive_files where kind = 'trades'
), judged as (
  select c.*,
         not exists (select 1 from lake.explained x
                      where x.table_name = 'market.trades' and x.source = c.source and x.listing = c.listing
                        and x.cause = 'partial_source' and x.lo <= c.last_id + 1 and x.hi >= c.first_id)
         and (coalesce(of_day.keys @> c.ids, false) or coalesce(of_month.keys @> c.ids, false)) as is_filed,
         exists (select 1 from lake.wanted w
                  where w.table_name = 'market.trades' and w.source = c.source and w.listing = c.listing
                    and w."interval" = '' and w.day = c.day and w.lo = c.first_id and w.hi = c.last_id + 1
                    and exists (select 1 from lake.wanted later
                                 where later.table_name = w.table_name and later.source = w.source
                                   and later.listing = w.listing and later."interval" = '' and later.day > w.day
                                   and later.lo = w.hi)) as is_bounded,
         coalesce(c.ids - (select range_agg(int8range(held.lo, held.hi)) from lake.coverage held
                            where held.table_name = 'market.trades' and held.source = c.source
                              and held.listing = c.listing and held.lo <= c.last_id and held.hi > c.first_id)
                        - coalesce((select range_agg(int8range(x.lo, x.hi)) from lake.explained x
                                     where x.table_name = 'market.trades' and x.source = c.source
                                       and x.listing = c.listing and x.cause = 'never_published'
                                       and x.lo <= c.last_id and x.hi > c.first_id), '{}'), c.ids) = '{}' as is_held
    from chosen c
    left join files of_day on of_day.source = c.source and of_day.symbol = c.symbol and of_day.period = c.day::text
    left join files of_month
      on of_month.source = c.source and of_month.symbol = c.symbol and of_month.period = to_char(c.day, 'YYYY-MM')
)
select source, listing, day::text as day,
       (case when before_id + 1 = first_id then before_day + 1 else day end)::text as from_day,
       last_id - first_id + 1 as ids, builds, is_held and (is_filed or is_bounded) as is_whole,
       before_day::text as before_day, before_id, after_day::text as after_day, after_id,
       $4::boolean or trades_seq is null or was_whole is distinct from (is_held and (is_filed or is_bounded))
       or built_at < (select max(committed_at) from lake.commits
                       where table_name = 'market.candles' and operation not in ('append', 'replace'))
       or exists (select 1 from touched t
                   where t.source = judged.source and t.listing = judged.listing
                     and t.ids && int8range(coalesce(before_id, first_id), coalesce(after_id, last_id) + 1)) as is_due
  from judged
 order by source, day, listing
