-- The bars to be said, in the columns of the model `candles`.
insert into live.closed by name
select made.*
from ($candles) made
join live.due due using (source, symbol, "interval")
where epoch_us(made.open_time) >= due.from_us and epoch_us(made.open_time) < due.to_us
