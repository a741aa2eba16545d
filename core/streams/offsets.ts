import { TicklakeError } from '#core/platform/errors.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import type { Assignment, EventLog } from './event-log.ts';

/** What a claim gives: the epoch that proves the ownership, and where to go on reading. */
export interface OffsetClaim {
  epoch: number;
  nextOffset: number;
}

/** A partition's records in [from, to) are stored by the transaction that moves its offset. */
export interface OffsetMove {
  assignment: Assignment;
  epoch: number;
  from: number;
  to: number;
}

/** A partition that a member owns, and how far it has read. */
export interface OwnedPartition extends Assignment {
  epoch: number;
  nextOffset: number;
}

/** A partition that was claimed, and what the log holds of it. */
export interface ClaimedPlace extends OwnedPartition {
  startOffset: number;
  endOffset: number;
}

export interface PartitionLag {
  partition: number;
  nextOffset: number;
  endOffset: number;
  /** Records appended but not yet stored by the group. */
  lag: number;
}

/**
 * Makes the caller the owner of each assignment in the group: earlier owners' epochs are worth nothing from the
 * commit of this call on. Offsets belong to the log's incarnation; a new one starts at 0, and the log says through
 * `onOutOfRange` when it no longer holds that. The answer is in the order asked for.
 */
export async function claimOffsets(
  database: Database,
  group: string,
  assignments: readonly Assignment[],
): Promise<OffsetClaim[]> {
  const sql = `
    insert into log.offsets as o (consumer_group, incarnation, topic, partition, next_offset, owner_epoch)
    select $1, a.incarnation, a.topic, a.partition, 0, 1
    from unnest($2::text[], $3::text[], $4::integer[]) as a (incarnation, topic, partition)
    order by a.incarnation, a.topic, a.partition
    on conflict (consumer_group, incarnation, topic, partition)
    do update set owner_epoch = o.owner_epoch + 1, updated_at = now()
    returning o.incarnation, o.topic, o.partition, o.owner_epoch, o.next_offset`;
  interface Row {
    incarnation: string;
    topic: string;
    partition: number;
    owner_epoch: string;
    next_offset: string;
  }
  const { rows } = await database.query<Row>(sql, [group, ...columns(assignments)]);
  const claims = new Map(
    rows.map((row) => [keyOf(row), { epoch: Number(row.owner_epoch), nextOffset: Number(row.next_offset) }]),
  );
  return assignments.map((assignment) => {
    const claim = claims.get(keyOf(assignment));
    if (claim === undefined)
      throw new TicklakeError('INTERNAL', `No claim came back for ${keyOf(assignment)}`);
    return claim;
  });
}

/**
 * Claims assignments of one topic for a group that follows what happens from its first day on: who is first in a partition
 * begins at its end, and who comes later where the one before had come to, or at what the log still holds.
 */
export async function claimPlaces(
  database: Database,
  log: EventLog,
  group: string,
  topic: string,
  assigned: readonly Assignment[],
): Promise<{ places: ClaimedPlace[]; partitions: number }> {
  const claims = await claimOffsets(database, group, assigned);
  const { partitions } = await log.describe(topic);
  const places = assigned.map((assignment, index) => {
    const { epoch = 0, nextOffset = 0 } = claims[index] ?? {};
    const of = partitions.find(({ partition }) => partition === assignment.partition);
    const { startOffset = 0, endOffset = 0 } = of ?? {};
    const from = epoch === 1 ? endOffset : Math.max(startOffset, nextOffset);
    return { ...assignment, epoch, nextOffset: from, startOffset, endOffset };
  });
  return { places, partitions: partitions.length };
}

/**
 * The guard for a commit's transaction: moves every offset from where the batch started to where it ended, or
 * throws FENCED when any of them stands elsewhere or belongs to a later owner. The transaction must then roll back.
 */
export function offsetGuard(group: string, moves: readonly OffsetMove[]): (tx: Transaction) => Promise<void> {
  return async (tx) => {
    const sql = `
      with moves as (
        select * from unnest($2::text[], $3::text[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[])
          as m (incarnation, topic, partition, owner_epoch, from_offset, to_offset)
      ), locked as (
        select o.ctid, m.to_offset
        from log.offsets o
        join moves m using (incarnation, topic, partition)
        where o.consumer_group = $1 and o.next_offset = m.from_offset and o.owner_epoch = m.owner_epoch
        order by o.incarnation, o.topic, o.partition
        for update of o
      )
      update log.offsets o set next_offset = l.to_offset, updated_at = now()
      from locked l
      where o.ctid = l.ctid`;
    const moved = await tx.query(sql, [
      group,
      ...columns(moves.map((move) => move.assignment)),
      moves.map((move) => move.epoch),
      moves.map((move) => move.from),
      moves.map((move) => move.to),
    ]);
    if (moved.rowCount === moves.length) return;
    throw new TicklakeError(
      'FENCED',
      `Offsets of group ${group} moved or changed owner since this batch began`,
      {
        remedy: 'Drop the batch, leave the group and join again: another worker stores these records.',
        context: { group, moved: moved.rowCount, wanted: moves.length },
      },
    );
  };
}

/**
 * For members that keep what follows from records apart from reading them: notes how far they have read, never back, and
 * proves in the same transaction that the partitions are still theirs. @throws FENCED where one is not.
 */
export async function moveOffsets(
  tx: Transaction,
  group: string,
  owned: readonly OwnedPartition[],
): Promise<void> {
  const sql = `
    with moves as (
      select * from unnest($2::text[], $3::text[], $4::integer[], $5::bigint[], $6::bigint[])
        as m (incarnation, topic, partition, owner_epoch, next_offset)
    ), locked as (
      select o.ctid, m.next_offset
      from log.offsets o
      join moves m using (incarnation, topic, partition, owner_epoch)
      where o.consumer_group = $1
      order by o.incarnation, o.topic, o.partition
      for update of o
    )
    update log.offsets o set next_offset = greatest(o.next_offset, l.next_offset), updated_at = now()
    from locked l
    where o.ctid = l.ctid`;
  const { rowCount } = await tx.query(sql, [
    group,
    ...columns(owned),
    owned.map(({ epoch }) => epoch),
    owned.map(({ nextOffset }) => nextOffset),
  ]);
  if (rowCount === owned.length) return;
  throw new TicklakeError('FENCED', `another process of group ${group} owns some of these partitions`, {
    remedy: 'Leave the group and join again: the other process goes on with them.',
  });
}

/** How far the group's stored offsets are behind the log, per partition. */
export async function lag(
  database: Database,
  log: EventLog,
  group: string,
  topic: string,
): Promise<PartitionLag[]> {
  const { incarnation, partitions } = await log.describe(topic);
  const sql = `
    select partition, next_offset from log.offsets
    where consumer_group = $1 and incarnation = $2 and topic = $3`;
  const params = [group, incarnation, topic];
  const { rows } = await database.query<{ partition: number; next_offset: string }>(sql, params);
  const stored = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
  return partitions.map(({ partition, startOffset, endOffset }) => {
    const nextOffset = stored.get(partition) ?? startOffset;
    return {
      partition,
      nextOffset,
      endOffset,
      lag: Math.max(endOffset - Math.max(nextOffset, startOffset), 0),
    };
  });
}

function columns(assignments: readonly Assignment[]): [string[], string[], number[]] {
  return [
    assignments.map((of) => of.incarnation),
    assignments.map((of) => of.topic),
    assignments.map((of) => of.partition),
  ];
}

function keyOf(of: Assignment): string {
  return `${of.incarnation}/${of.topic}/${of.partition}`;
}
