-- Up Migration
-- The event log: topics of partitions of batches, as Kafka stores them, and the offsets its consumers own.
create schema log;

create table log.topics (
  topic_id integer generated always as identity primary key,
  topic text not null unique,
  incarnation uuid not null default gen_random_uuid(),
  partitions integer not null check (partitions between 1 and 10000),
  retention interval not null check (retention > interval '0')
);

create table log.partitions (
  topic_id integer not null references log.topics on delete cascade,
  partition integer not null check (partition >= 0),
  start_offset bigint not null default 0,
  end_offset bigint not null default 0,
  primary key (topic_id, partition),
  check (start_offset <= end_offset)
) with (fillfactor = 50);

-- A payload is the batch's lines, each ended by a line feed, compressed by zstd; byte_count is their size before.
create table log.batches (
  topic_id integer not null references log.topics on delete cascade,
  partition integer not null,
  base_offset bigint not null,
  record_count integer not null check (record_count > 0),
  byte_count integer not null,
  appended_at timestamptz not null,
  payload bytea not null,
  primary key (topic_id, partition, base_offset)
);
alter table log.batches alter column payload set storage external;
create index batches_by_age on log.batches (topic_id, appended_at);

-- The sink's own word on how far a group has got; next_offset moves in the transaction that stores the records.
create table log.offsets (
  consumer_group text not null,
  incarnation text not null,
  topic text not null,
  partition integer not null,
  next_offset bigint not null check (next_offset >= 0),
  owner_epoch bigint not null,
  updated_at timestamptz not null default now(),
  primary key (consumer_group, incarnation, topic, partition)
);

-- Creates the topic where it is missing, and returns how many partitions it has.
create function log.ensure_topic(p_topic text, p_partitions integer, p_retention_ms bigint) returns integer
language plpgsql as $$
declare
  v_topic log.topics;
begin
  insert into log.topics (topic, partitions, retention)
  values (p_topic, p_partitions, p_retention_ms * interval '1 millisecond')
  on conflict (topic) do nothing
  returning * into v_topic;
  if found then
    insert into log.partitions (topic_id, partition)
    select v_topic.topic_id, generate_series(0, p_partitions - 1);
    return p_partitions;
  end if;
  update log.topics set retention = p_retention_ms * interval '1 millisecond'
  where topic = p_topic and retention <> p_retention_ms * interval '1 millisecond';
  return (select partitions from log.topics where topic = p_topic);
end $$;

-- Appends one batch to each given partition; p_payload holds the batches' payloads end to end. Locks are taken in
-- order of partition and held to the commit, so offsets become visible without holes. False: no such topic.
create function log.append(
  p_topic_id integer, p_partitions integer[], p_record_counts integer[], p_byte_counts integer[],
  p_lengths integer[], p_payload bytea
) returns boolean
language plpgsql as $$
begin
  perform 1 from log.partitions
  where topic_id = p_topic_id and partition = any (p_partitions)
  order by partition
  for update;

  with incoming as (
    select i.*, 1 + coalesce(sum(i.length) over (order by i.ord rows between unbounded preceding and 1 preceding), 0)
      as position
    from unnest(p_partitions, p_record_counts, p_byte_counts, p_lengths)
      with ordinality as i (partition, record_count, byte_count, length, ord)
  ), moved as (
    update log.partitions p set end_offset = p.end_offset + i.record_count
    from incoming i
    where p.topic_id = p_topic_id and p.partition = i.partition
    returning p.partition, p.end_offset - i.record_count as base_offset
  )
  insert into log.batches (topic_id, partition, base_offset, record_count, byte_count, appended_at, payload)
  select p_topic_id, i.partition, m.base_offset, i.record_count, i.byte_count, clock_timestamp(),
    substring(p_payload from i.position::integer for i.length)
  from incoming i
  join moved m using (partition);
  return found;
end $$;

-- The next batches of the wanted partitions, taken in turns within p_max_bytes of lines (at least one batch), with
-- each partition's bounds; a partition without a next batch comes as one row of bounds alone.
create function log.fetch(p_topic_id integer, p_partitions integer[], p_next_offsets bigint[], p_max_bytes bigint)
returns table (
  partition integer, start_offset bigint, end_offset bigint,
  base_offset bigint, record_count integer, payload bytea
)
language sql stable as $$
  with wanted as (
    select * from unnest(p_partitions, p_next_offsets) as w (partition, next_offset)
  ), found as (
    select w.partition, b.base_offset, b.record_count, b.byte_count, b.payload,
      row_number() over (partition by w.partition order by b.base_offset) as turn
    from wanted w
    cross join lateral (
      select * from log.batches b
      where b.topic_id = p_topic_id and b.partition = w.partition
        and b.base_offset >= coalesce((
          select max(c.base_offset) from log.batches c
          where c.topic_id = p_topic_id and c.partition = w.partition and c.base_offset <= w.next_offset
        ), w.next_offset)
        and b.base_offset + b.record_count > w.next_offset
      order by b.base_offset
      limit 256
    ) b
  ), summed as (
    select f.*, sum(f.byte_count) over (order by f.turn, f.partition rows unbounded preceding) - f.byte_count
      as bytes_before
    from found f
  )
  select p.partition, p.start_offset, p.end_offset, s.base_offset, s.record_count, s.payload
  from wanted w
  join log.partitions p on p.topic_id = p_topic_id and p.partition = w.partition
  left join summed s on s.partition = w.partition and s.bytes_before < p_max_bytes
  order by p.partition, s.base_offset
$$;

-- Deletes up to p_limit batches older than the topic's retention; returns how many it deleted.
create function log.retain(p_topic_id integer, p_limit integer) returns integer
language plpgsql as $$
declare
  v_deleted integer;
begin
  if not pg_try_advisory_xact_lock(hashtext('log.retain'), p_topic_id) then
    return 0;
  end if;
  with old as (
    select b.partition, b.base_offset from log.batches b
    where b.topic_id = p_topic_id
      and b.appended_at < now() - (select retention from log.topics where topic_id = p_topic_id)
    order by b.appended_at
    limit p_limit
  ), deleted as (
    delete from log.batches b using old
    where b.topic_id = p_topic_id and b.partition = old.partition and b.base_offset = old.base_offset
    returning b.partition, b.base_offset + b.record_count as end_offset
  ), starts as (
    select d.partition, max(d.end_offset) as start_offset from deleted d group by d.partition
  ), moved as (
    update log.partitions p set start_offset = greatest(p.start_offset, s.start_offset)
    from starts s
    where p.topic_id = p_topic_id and p.partition = s.partition
  )
  select count(*) into v_deleted from deleted;
  return v_deleted;
end $$;

-- Locks up to p_count of the given partitions for this session, in their order; returns those it got.
create function log.claim_partitions(p_class integer, p_partitions integer[], p_count integer) returns integer[]
language plpgsql as $$
declare
  v_partition integer;
  v_claimed integer[] := '{}';
begin
  foreach v_partition in array p_partitions loop
    exit when cardinality(v_claimed) >= p_count;
    if pg_try_advisory_lock(p_class, v_partition) then
      v_claimed := v_claimed || v_partition;
    end if;
  end loop;
  return v_claimed;
end $$;

grant usage on schema log to ticklake_ingest, ticklake_api;
grant select, insert, update, delete on all tables in schema log to ticklake_ingest;
grant select on all tables in schema log to ticklake_api;

-- Down Migration
drop schema log cascade;
