import type { Transaction } from '#core/platform/postgres/database.ts';
import type { Assignment } from '#core/streams/event-log.ts';
import type { BatchCounts, RefusedRecord } from './stage.ts';

/** Offsets of a partition that the log could not serve any more. */
export interface Jump extends Assignment {
  wanted: number;
  actual: number;
}

/** Writes, in the batch's own commit, what became of its records: counts, dead letters, jumps. */
export async function recordBatch(
  tx: Transaction,
  commitId: string,
  worker: string,
  counts: BatchCounts,
  refused: readonly RefusedRecord[],
  jumps: readonly Jump[],
): Promise<void> {
  await tx.query(
    `insert into ingest.batches (commit_id, worker, records_stream, records_repair, committed_stream, committed_repair,
                                 duplicates_stream, duplicates_repair, refused_stream, refused_repair)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      commitId,
      worker,
      counts.recordsStream,
      counts.recordsRepair,
      counts.committedStream,
      counts.committedRepair,
      counts.duplicatesStream,
      counts.duplicatesRepair,
      counts.refusedStream,
      counts.refusedRepair,
    ],
  );
  await insertDeadLetters(tx, commitId, refused);
  for (const jump of jumps) {
    await tx.query(
      `insert into ingest.jumps (incarnation, topic, partition, wanted_offset, actual_offset)
       values ($1, $2, $3, $4, $5)`,
      [jump.incarnation, jump.topic, jump.partition, jump.wanted, jump.actual],
    );
  }
}

async function insertDeadLetters(
  tx: Transaction,
  commitId: string,
  refused: readonly RefusedRecord[],
): Promise<void> {
  const rowsMax = 5_000;
  for (let start = 0; start < refused.length; start += rowsMax) {
    const part = refused.slice(start, start + rowsMax);
    await tx.query(
      `insert into ingest.dead_letters
         (commit_id, incarnation, topic, partition, log_offset, source, symbol, trade_id, channel, reason, raw)
       select $1, t.*
         from unnest($2::text[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::text[], $8::bigint[],
                     $9::text[], $10::text[], $11::text[]) as t
       on conflict (incarnation, topic, partition, log_offset) do nothing`,
      [
        commitId,
        part.map((record) => record.incarnation),
        part.map((record) => record.topic),
        part.map((record) => record.partition),
        part.map((record) => record.offset),
        part.map((record) => cleanText(record.source)),
        part.map((record) => cleanText(record.symbol)),
        part.map((record) => record.tradeId),
        part.map((record) => record.channel),
        part.map((record) => cleanText(record.reason)),
        part.map((record) => cleanText(record.raw)),
      ],
    );
  }
}

/** Postgres' text holds no NUL and no lone surrogate. */
function cleanText(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\0', '␀').toWellFormed();
}
