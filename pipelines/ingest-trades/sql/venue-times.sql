-- Middle event time of each venue's trades: some wrong times among them do not move it.
select source, epoch_us(quantile_disc(timestamp, 0.5)) as time_us
from $trades
group by source
