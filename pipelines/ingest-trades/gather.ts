import type { Assignment, GroupConsumer, LogBatch } from '#core/streams/event-log.ts';
import type { OffsetMove } from '#core/streams/offsets.ts';
import type { Jump } from './ledger.ts';

/** When a batch is due, and how large it may be. */
export interface BatchBounds {
  /** A batch is committed when it holds so many records or its first has waited so long, whichever is first. */
  batchRecords: number;
  batchMs: number;
  /** Under load a batch takes all that is there, up to this many records. */
  maxBatchRecords: number;
  maxBufferedBytes: number;
}

/** A partition that is ours, until it is revoked. */
export interface Ownership extends Assignment {
  epoch: number;
  /** Postgres' word on where this partition goes on. */
  nextOffset: number;
}

/** Of a batch whose records are not ours, or not one run of the log: no owner has it, so the guard refuses it. */
const noEpoch = -1;
const pollWaitMsMax = 200;

/** Waits until a batch is due, then takes all that is there, up to the bounds. */
export async function gather(
  group: GroupConsumer,
  options: BatchBounds,
  owned: ReadonlyMap<number, Ownership>,
  draining: () => boolean,
  signal: AbortSignal,
): Promise<LogBatch[]> {
  const gathered: { batch: LogBatch; ownership: Ownership | undefined }[] = [];
  let records = 0;
  let bytes = 0;
  let dueAt = Number.POSITIVE_INFINITY;
  while (!signal.aborted) {
    const due = records >= options.batchRecords || Date.now() >= dueAt || (draining() && records > 0);
    const full = records >= options.maxBatchRecords || bytes >= options.maxBufferedBytes;
    if (full) break;
    const waitMs = due ? 0 : Math.max(0, Math.min(pollWaitMsMax, dueAt - Date.now()));
    const polled = await group.poll(waitMs, options.maxBufferedBytes - bytes);
    if (polled.length === 0 && due) break;
    for (const batch of polled) {
      gathered.push({ batch, ownership: owned.get(batch.partition) });
      records += batch.count;
      bytes += batch.lines.length;
    }
    if (gathered.length > 0 && dueAt === Number.POSITIVE_INFINITY) dueAt = Date.now() + options.batchMs;
  }
  if (signal.aborted) return [];
  // What was read under an ownership that ended meanwhile is read again under the next one, by us or by another.
  return gathered
    .filter(({ batch, ownership }) => ownership !== undefined && owned.get(batch.partition) === ownership)
    .map(({ batch }) => batch);
}

/** For each partition in the batch, from where Postgres says it stands to past its last record. */
export function offsetMoves(
  batches: readonly LogBatch[],
  owned: ReadonlyMap<number, Ownership>,
  jumps: ReadonlyMap<number, Jump>,
): OffsetMove[] {
  const moves = new Map<number, OffsetMove>();
  for (const batch of batches) {
    const { topic, partition, incarnation } = batch;
    const to = batch.baseOffset + batch.count;
    const move = moves.get(partition);
    if (move !== undefined) {
      if (batch.baseOffset !== move.to) move.epoch = noEpoch;
      move.to = to;
      continue;
    }
    const ownership = owned.get(partition);
    const mine =
      ownership !== undefined &&
      ownership.incarnation === incarnation &&
      (ownership.nextOffset === batch.baseOffset || jumps.get(partition)?.actual === batch.baseOffset);
    moves.set(partition, {
      assignment: { topic, partition, incarnation },
      epoch: mine ? ownership.epoch : noEpoch,
      from: mine ? ownership.nextOffset : batch.baseOffset,
      to,
    });
  }
  return [...moves.values()];
}

export function offsetSummary(moves: readonly OffsetMove[]): string {
  return JSON.stringify(Object.fromEntries(moves.map(({ assignment, to }) => [assignment.partition, to])));
}
