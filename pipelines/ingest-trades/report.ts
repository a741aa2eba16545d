import { tableId, trades } from '#core/lake/tables.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { tradesTopic } from '#core/market/topics.ts';

/** What ingest has done since the beginning, from what Postgres and the log hold: kills do not touch it. */
export interface IngestTotals {
  /** Records in the log, by the log's own offsets. */
  appended: number;
  recordsStream: number;
  recordsRepair: number;
  committedStream: number;
  committedRepair: number;
  duplicatesStream: number;
  refusedStream: number;
  commits: number;
  /** Live candles and signals, revisions included. */
  candles: number;
  signals: number;
}

/** The counters that `up` and `trades replay` print. */
export interface IngestReport {
  /** Records durable in the log that came by stream: all that the log took, less what repair wrote. */
  tradesReceived: number;
  committedFromStream: number;
  repaired: number;
  duplicatesDropped: number;
  deadLetters: number;
  missing: number;
  candles: number;
  signals: number;
  commits: number;
}

export async function ingestTotals(database: Database, log: EventLog): Promise<IngestTotals> {
  const { rows } = await database.query<Omit<IngestTotals, 'appended'>>(
    `select coalesce(sum(records_stream), 0)::bigint as "recordsStream",
            coalesce(sum(records_repair), 0)::bigint as "recordsRepair",
            coalesce(sum(committed_stream), 0)::bigint as "committedStream",
            coalesce(sum(committed_repair), 0)::bigint as "committedRepair",
            coalesce(sum(duplicates_stream), 0)::bigint as "duplicatesStream",
            coalesce(sum(refused_stream), 0)::bigint as "refusedStream",
            count(*)::bigint as commits,
            (select candles from stream.counts) as candles,
            (select signals from stream.counts) as signals
       from ingest.batches`,
  );
  const { partitions } = await log.describe(tradesTopic);
  const appended = partitions.reduce((sum, partition) => sum + partition.endOffset, 0);
  const row = rows[0];
  if (row === undefined) throw new Error('an aggregate without groups has one row');
  return { appended, ...row };
}

/** Ids of one venue that are neither held nor explained, between the first and the last held. */
export async function missingIds(database: Database, source: string): Promise<number> {
  const { rows } = await database.query<{ missing: number }>(
    `select coalesce(sum(hi - lo), 0)::bigint as missing
       from lake.gaps where table_name = $1 and source = $2 and cause is null`,
    [tableId(trades), source],
  );
  return rows[0]?.missing ?? 0;
}

/** What happened between two readings of the totals. */
export function ingestReport(before: IngestTotals, after: IngestTotals, missing: number): IngestReport {
  const since = (key: keyof IngestTotals): number => after[key] - before[key];
  return {
    tradesReceived: since('appended') - since('recordsRepair'),
    committedFromStream: since('committedStream'),
    repaired: since('committedRepair'),
    duplicatesDropped: since('duplicatesStream'),
    deadLetters: since('refusedStream'),
    missing,
    candles: since('candles'),
    signals: since('signals'),
    commits: since('commits'),
  };
}
