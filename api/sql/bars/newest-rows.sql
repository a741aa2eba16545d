-- The newest rows of a model from a time on.
select * exclude (open_time), epoch_us(open_time) as open_us
from ($model)
where open_time >= make_timestamptz($from_us::bigint)
order by open_time desc
limit $limit
