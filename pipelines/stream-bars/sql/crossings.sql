-- Signals at the bars that were said, each as the JSON of its record without the revision.
select
  c.source, c.symbol, c."interval", epoch_us(c.open_time) as open_us,
  json_object(
    'strategy', c.strategy, 'version', c.version, 'source', c.source, 'symbol', c.symbol, 'interval', c."interval",
    'open_us', epoch_us(c.open_time), 'signal', c.signal, 'price', c.price,
    'reason', case c.signal
      when 'BUY' then 'golden cross: the average of 50 closes rose above that of 200'
      else 'death cross: the average of 50 closes fell below that of 200'
    end,
    'sma_50', c.sma_50, 'sma_200', c.sma_200
  )::varchar as record
from ($crossovers) c
join tail.wanted w on w.source = c.source and w.symbol = c.symbol and w."interval" = c."interval"
where epoch_us(c.open_time) >= w.from_us
order by open_us
