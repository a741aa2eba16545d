with sided as (
  select *, sign(sma_50 - sma_200) as side
  from tail.rows
  where sma_50 <> sma_200
),
crossed as (
  select *, lag(side) over (partition by source, symbol, "interval" order by open_time) as side_before
  from sided
)
select
  c.source, c.symbol, c."interval", epoch_us(c.open_time) as open_us,
  json_object(
    'strategy', 'ma_crossover', 'version', '1', 'source', c.source, 'symbol', c.symbol, 'interval', c."interval",
    'open_us', epoch_us(c.open_time), 'signal', case when c.side > 0 then 'BUY' else 'SELL' end, 'price', c.close,
    'reason', case
      when c.side > 0 then 'golden cross: the average of 50 closes rose above that of 200'
      else 'death cross: the average of 50 closes fell below that of 200'
    end,
    'sma_50', c.sma_50, 'sma_200', c.sma_200
  )::varchar as record
from crossed c
join tail.wanted w on w.source = c.source and w.symbol = c.symbol and w."interval" = c."interval"
where c.side <> c.side_before and epoch_us(c.open_time) >= w.from_us
order by open_us
