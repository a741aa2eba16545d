-- Middle event time of each venue's accepted rows: some wrong times among them do not move it.
select source, epoch_us(quantile_disc(timestamp, 0.5)) as time_us
from accepted
group by source
