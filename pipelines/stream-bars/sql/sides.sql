-- Of each market and interval only the newest row with a side is kept.
delete from tail.rows
where sma_50 is null or sma_200 is null or sma_50 = sma_200;

delete from tail.rows
using (select source, symbol, "interval", max(open_time) as open_time from tail.rows group by all) kept
where tail.rows.source = kept.source and tail.rows.symbol = kept.symbol and tail.rows."interval" = kept."interval"
  and tail.rows.open_time < kept.open_time
