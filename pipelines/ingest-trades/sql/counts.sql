-- What became of the batch's records, by the channel they came by.
select
  (select count(*) from checked where by_stream) as records_stream,
  (select count(*) from checked where not by_stream) as records_repair,
  (select count(*) from checked where by_stream and refused is not null) as refused_stream,
  (select count(*) from checked where not by_stream and refused is not null) as refused_repair,
  (select count(*) from accepted where by_stream) as committed_stream,
  (select count(*) from accepted where not by_stream) as committed_repair
