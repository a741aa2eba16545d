-- Bars that began more than three days ago, in their venue's time, and are in the lake or will not come to it.
delete from stream.candles c
 using (select source, max(open_us) as newest_us from stream.candles where "interval" = '1m' group by source) of
 where c.source = of.source and c.open_us < of.newest_us - 3 * 86400000000 and c.sent
   and (c.committed or (c.is_filled and not c.is_complete))
