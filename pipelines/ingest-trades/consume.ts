import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { backOffMs } from '#core/platform/back-off.ts';
import { isTicklakeError, messageOf, toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database, Transaction } from '#core/platform/postgres/database.ts';
import { commitAppend } from '#core/lake/commit.ts';
import { heldWithin, type Explanation } from '#core/lake/coverage.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { discardFiles, stageFiles } from '#core/lake/stage.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import type { EventLog, LogBatch } from '#core/streams/event-log.ts';
import { claimOffsets, offsetGuard } from '#core/streams/offsets.ts';
import { tradesTopic } from '#core/market/topics.ts';
import { lakeGroup } from './group.ts';
import { gather, offsetMoves, offsetSummary, type BatchBounds, type Ownership } from './gather.ts';
import { recordBatch, type Jump } from './ledger.ts';
import {
  acceptedRows,
  acceptNew,
  batchSpans,
  checkBatch,
  refusedRecords,
  type BatchCounts,
  type RefusedRecord,
} from './stage.ts';
import { followTrades, futureToleranceUs, knownSymbols } from './symbols.ts';

export interface ConsumerOptions extends BatchBounds {
  log: EventLog;
  lake: Lake;
  database: Database;
  logger: Logger;
  metrics: Metrics;
  /** Unique among workers, for the ledger. */
  worker: string;
  sessionTimeoutMs?: number;
  spillDir: string;
}

export interface TradeConsumer {
  /**
   * Resolves when everything up to the log's present end is committed, by whichever worker. From then on batches
   * are committed as soon as there is anything in them.
   */
  drained(signal?: AbortSignal): Promise<void>;
  /** Commits nothing more, gives up its partitions and resolves. What was not committed is read again next time. */
  close(): Promise<void>;
  /** Rejects when the consumer gave up: only an error that trying again cannot mend. */
  readonly failed: Promise<never>;
}

const retryMs = { firstMs: 100, maxMs: 5_000 };
const restagesMax = 5;

/** Brings the log's trades into `market.trades`: gather, check, stage, commit; offsets move in the commit. */
export async function startTradeConsumer(options: ConsumerOptions): Promise<TradeConsumer> {
  const { log, lake, database, logger } = options;
  const duck = await DuckDb.open({ threads: 1, memoryLimit: '400MB', spillDir: options.spillDir });
  const instruments = consumerMetrics(options.metrics);
  const owned = new Map<number, Ownership>();
  const jumps = new Map<number, Jump>();
  const stopping = new AbortController();
  let draining = false;

  const group = await log.joinGroup({
    group: lakeGroup,
    topic: tradesTopic,
    maxBufferedBytes: options.maxBufferedBytes,
    ...(options.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: options.sessionTimeoutMs }),
    async onAssigned(assigned) {
      const claims = await claimOffsets(database, lakeGroup, assigned);
      return assigned.map((assignment, index) => {
        const claim = claims[index];
        if (claim === undefined) throw new Error(`no claim for partition ${assignment.partition}`);
        owned.set(assignment.partition, { ...assignment, ...claim });
        return claim.nextOffset;
      });
    },
    onRevoked(revoked) {
      for (const { partition } of revoked) {
        owned.delete(partition);
        jumps.delete(partition);
      }
    },
    onOutOfRange(at, wanted, actual) {
      logger.warn(
        { ...at, wanted, actual },
        'the log no longer has the offset to go on from; the hole goes to repair',
      );
      jumps.set(at.partition, { ...at, wanted, actual });
    },
  });

  const running = run();
  running.catch(() => undefined);

  return {
    failed: running.then(() => new Promise<never>(() => undefined)),
    async drained(signal) {
      draining = true;
      const { partitions, incarnation } = await log.describe(tradesTopic);
      for (;;) {
        const { rows } = await database.query<{ partition: number; next_offset: number }>(
          `select partition, next_offset from log.offsets
            where consumer_group = $1 and topic = $2 and incarnation = $3`,
          [lakeGroup, tradesTopic, incarnation],
        );
        const reached = new Map(rows.map((row) => [row.partition, row.next_offset]));
        if (
          partitions.every(
            (p) => p.endOffset === p.startOffset || (reached.get(p.partition) ?? 0) >= p.endOffset,
          )
        ) {
          return;
        }
        signal?.throwIfAborted();
        await Promise.race([sleep(50, undefined, { signal }), running]);
      }
    },
    async close() {
      stopping.abort();
      await running.catch(() => undefined);
      await group.close();
      duck.close();
    },
  };

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const batch = await gather(group, options, owned, () => draining, stopping.signal);
      if (batch.length === 0) continue;
      await commitWithRetries(batch);
    }
  }

  async function commitWithRetries(batches: readonly LogBatch[]): Promise<void> {
    const commitId = randomUUID();
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      try {
        await commitBatch(commitId, batches);
        return;
      } catch (error) {
        const failure = toTicklakeError(error);
        if (failure.code === 'FENCED') {
          logger.warn(
            { err: failure },
            'another worker owns these partitions; this batch is dropped and read by it',
          );
          instruments.fenced.inc();
          owned.clear();
          await group.rejoin();
          return;
        }
        instruments.failures.inc({ code: failure.code });
        if (!failure.retryable) throw failure;
        const waitMs = backOffMs(attempt + 1, retryMs);
        logger.warn({ err: failure, attempt, waitMs }, 'a commit failed and is tried again');
        await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  async function commitBatch(commitId: string, batches: readonly LogBatch[]): Promise<void> {
    const moves = offsetMoves(batches, owned, jumps);
    const jumped = moves.flatMap(({ assignment }) => jumps.get(assignment.partition) ?? []);
    const startedAt = performance.now();
    const symbols = await knownSymbols(database, futureToleranceUs);
    const latestUs = Date.now() * 1000 + futureToleranceUs;
    await checkBatch(duck, options.spillDir, batches, symbols, latestUs);
    const refused = await refusedRecords(duck, batches);
    const spans = await batchSpans(duck);
    for (let restage = 0; ; restage++) {
      const held = await heldWithin(database, tableId(trades), spans);
      await acceptNew(duck, held, new Date());
      const accepted = await acceptedRows(duck);
      const files = await stageFiles(duck, lake.store, trades, lake.locationOf(trades), 'accepted');
      const stagedAt = performance.now();
      try {
        const outcome = await commitAppend(lake, {
          commitId,
          table: trades,
          files,
          added: accepted.added,
          days: accepted.days,
          explained: refused.flatMap(explanation),
          offsets: moves.map(({ assignment, from, to }) => ({ ...assignment, from, to })),
          summary: { 'ticklake.worker': options.worker, 'ticklake.offsets': offsetSummary(moves) },
          guard: async (tx: Transaction) => {
            await offsetGuard(lakeGroup, moves)(tx);
            await recordBatch(tx, commitId, options.worker, accepted.counts, refused, jumped);
            await followTrades(tx, accepted.venueTimes);
          },
        });
        for (const move of moves) {
          const ownership = owned.get(move.assignment.partition);
          if (ownership?.epoch === move.epoch) ownership.nextOffset = move.to;
        }
        for (const jump of jumped) {
          if (jumps.get(jump.partition) === jump) jumps.delete(jump.partition);
        }
        instruments.observe(accepted.counts, stagedAt - startedAt, performance.now() - stagedAt);
        logger.debug({ ...accepted.counts, snapshotId: outcome.snapshotId }, 'committed a batch');
        await group
          .reportProgress(
            moves.map(({ assignment, to }) => ({ partition: assignment.partition, nextOffset: to })),
          )
          .catch((error: unknown) => logger.debug({ err: error }, 'progress was not reported'));
        return;
      } catch (error) {
        if (!isTicklakeError(error, 'COMMIT_UNKNOWN')) await discardFiles(lake.store, files);
        if (!isTicklakeError(error, 'COVERAGE_OVERLAP') || restage >= restagesMax) throw error;
        logger.info(
          { reason: messageOf(error) },
          'ids were committed meanwhile; the batch is staged without them',
        );
      }
    }
  }
}

function explanation(record: RefusedRecord): Explanation[] {
  if (record.source === null || record.listing === null || record.tradeId === null) return [];
  return [
    {
      source: record.source,
      listing: record.listing,
      lo: record.tradeId,
      hi: record.tradeId + 1,
      cause: 'quarantined',
      detail: record.reason,
    },
  ];
}

function consumerMetrics(metrics: Metrics) {
  const records = metrics.counter('ticklake_ingest_records_total', 'Records by what became of them', [
    'channel',
    'outcome',
  ]);
  const stageSeconds = metrics.histogram(
    'ticklake_ingest_stage_seconds',
    'Reading, checking and staging a batch',
  );
  const commitSeconds = metrics.histogram('ticklake_ingest_commit_seconds', 'Committing a staged batch');
  return {
    fenced: metrics.counter('ticklake_ingest_fenced_total', 'Batches dropped as another worker owned them'),
    failures: metrics.counter('ticklake_ingest_commit_failures_total', 'Commits that failed', ['code']),
    observe(counts: BatchCounts, stageMs: number, commitMs: number): void {
      stageSeconds.observe(stageMs / 1000);
      commitSeconds.observe(commitMs / 1000);
      records.inc({ channel: 'stream', outcome: 'committed' }, counts.committedStream);
      records.inc({ channel: 'stream', outcome: 'duplicate' }, counts.duplicatesStream);
      records.inc({ channel: 'stream', outcome: 'refused' }, counts.refusedStream);
      records.inc({ channel: 'repair', outcome: 'committed' }, counts.committedRepair);
      records.inc({ channel: 'repair', outcome: 'duplicate' }, counts.duplicatesRepair);
      records.inc({ channel: 'repair', outcome: 'refused' }, counts.refusedRepair);
    },
  };
}
