-- The newest row of the indicators of one market, as its bar closed, and where its bars end by now.
select
  (
    select record from stream.indicators where source = $1 and symbol = $2 and "interval" = $3
  ) as record,
  greatest(
    (
      select max(hi)
      from lake.coverage
      where table_name = any($4) and source = $1 and listing like $2 || '#%' and "interval" = $3
    ),
    (
      select max(open_us) + $5::bigint from stream.candles where source = $1 and symbol = $2 and "interval" = $3
    )
  ) as end_us
