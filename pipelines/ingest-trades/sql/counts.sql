-- What became of the batch's records, by the channel they came by.
select
  count(*) filter (by_stream) as records_stream,
  count(*) filter (not by_stream) as records_repair,
  count(*) filter (by_stream and refused is not null) as refused_stream,
  count(*) filter (not by_stream and refused is not null) as refused_repair,
  count(*) filter (by_stream and refused is null and not is_left_out) as committed_stream,
  count(*) filter (not by_stream and refused is null and not is_left_out) as committed_repair
from (
  select c.by_stream, c.refused, o.line_number is not null as is_left_out
  from checked c
  left join left_out o using (line_number)
)
