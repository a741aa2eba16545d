delete from tail.bars
using (
  select source, symbol, "interval", list(open_us order by open_us desc)[$bars] as oldest_us
  from tail.bars
  group by source, symbol, "interval"
) kept
where tail.bars.source = kept.source and tail.bars.symbol = kept.symbol and tail.bars."interval" = kept."interval"
  and tail.bars.open_us < kept.oldest_us
