-- Notes how far a member has read, where it still owns the partitions: else fewer rows come back. $1 group, $2 topic,
-- $3 incarnations, $4 partitions, $5 epochs, $6 offsets.
with moves as (
  select * from unnest($3::text[], $4::integer[], $5::bigint[], $6::bigint[])
    as m(incarnation, partition, owner_epoch, next_offset)
), locked as (
  select o.ctid, m.next_offset
    from log.offsets o
    join moves m using (incarnation, partition, owner_epoch)
   where o.consumer_group = $1 and o.topic = $2
   order by o.incarnation, o.partition
     for update of o
)
update log.offsets o
   set next_offset = greatest(o.next_offset, l.next_offset), updated_at = now()
  from locked l
 where o.ctid = l.ctid
