delete from tail.bars
using tail.said s
where tail.bars.source = s.source and tail.bars.symbol = s.symbol and tail.bars."interval" = s."interval"
  and tail.bars.open_us = s.open_us;

insert into tail.bars from tail.said;
