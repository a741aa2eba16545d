import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from '#core/exchanges/exchange.ts';
import type { Lake } from '#core/lake/lake.ts';
import type { Config } from '#core/platform/config.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { persist } from '#core/platform/back-off.ts';
import { spillFolder } from '#core/platform/spill-folder.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { startCapture, type Capture } from './capture.ts';
import { startTradeConsumer, type TradeConsumer } from './consume.ts';
import { startDuty, type Duty, type Task } from './duty.ts';
import { openGaps, repairFromLedger } from './repair.ts';
import { tradesTopic } from '#core/market/topics.ts';

export interface IngestOptions {
  config: Config;
  exchange: Exchange;
  symbols: readonly string[];
  database: Database;
  log: EventLog;
  lake: Lake;
  logger: Logger;
  metrics: Metrics;
  /** A live venue: one worker at a time captures it, and holes are fetched from its REST. A recording has neither. */
  live: boolean;
  onDisconnected?: () => void;
}

export interface Ingest {
  /**
   * Stops the socket, lets the log drain and holes be repaired, though Postgres or the log is away for a moment; bounded by
   * `timeoutMs`, then gives up and says so in the log.
   */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
  /** Rejects when the consumer gave up. */
  readonly failed: Promise<never>;
}

const venueTimeMs = 5_000;
const repairEveryMs = 2_000;
const drainPollMs = 200;
const drainRetry = { firstMs: 100, maxMs: 2_000 };

/**
 * Socket → log → lake for one venue: capture, consumer and repair in one process. Any number of workers consume; of
 * those that name the same live venue one captures.
 */
export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const { config, exchange, database, log, lake, logger, metrics } = options;
  await log.ensureTopic(tradesTopic, {
    partitions: config.logPartitions,
    retentionMs: config.logRetentionHours * 3_600_000,
  });
  const consumer = await startTradeConsumer({
    log,
    lake,
    database,
    logger,
    metrics,
    worker: `${hostname()}:${process.pid}`,
    batchRecords: config.ingestBatchRecords,
    batchMs: config.ingestBatchMs,
    maxBatchRecords: config.ingestMaxBatchRecords,
    maxBufferedBytes: config.ingestMaxBufferedBytes,
    ...(config.kafkaBrokers === undefined ? {} : { sessionTimeoutMs: config.kafkaSessionTimeoutMs }),
    spillDir: await spillFolder(config.dataDir, 'ingest'),
  });
  try {
    const capture = options.live
      ? await startDuty({
          lease: `capture:${exchange.source}`,
          start: () => startLiveCapture(options),
          database,
          logger,
          metrics,
        })
      : await startRecordedCapture(options);
    return running(options, consumer, capture);
  } catch (error) {
    await consumer.close();
    throw error;
  }
}

function running(options: IngestOptions, consumer: TradeConsumer, capture: Task | Duty): Ingest {
  const { exchange, database, logger } = options;
  return {
    failed: 'failed' in capture ? Promise.race([consumer.failed, capture.failed]) : consumer.failed,
    async drain(timeoutMs) {
      const deadline = AbortSignal.timeout(timeoutMs);
      try {
        await persist(() => drainOnce(deadline), {
          backOff: drainRetry,
          signal: deadline,
          onFailure: (failure) => logger.warn({ err: failure }, 'draining was interrupted; trying again'),
        });
      } catch (error) {
        logger.warn({ err: error }, 'ingest did not drain in time; what is left goes on at the next start');
      }
    },
    async close() {
      await capture.close();
      await consumer.close();
    },
  };

  async function drainOnce(deadline: AbortSignal): Promise<void> {
    await capture.drain(deadline);
    await consumer.drained(deadline);
    while ('onDuty' in capture && capture.onDuty && (await openGaps(database, exchange.source)).length > 0) {
      await sleep(drainPollMs, undefined, { signal: deadline });
      await consumer.drained(deadline);
    }
    // Repair may have asked for what was on its way: its records are in the log, and in the account once consumed.
    await capture.close();
    await consumer.drained(deadline);
  }
}

async function startRecordedCapture(options: IngestOptions): Promise<Capture> {
  return await startCapture({ ...options, repairHoles: false, venueTimeMs: 0 });
}

/** The socket, and the repair of what the ledger misses. */
async function startLiveCapture(options: IngestOptions): Promise<Task> {
  const capture = await startCapture({ ...options, repairHoles: true, venueTimeMs });
  const stopping = new AbortController();
  const repairing = repairFromLedger(
    {
      ...options,
      capture,
      everyMs: repairEveryMs,
      settleMs: 2 * options.config.ingestBatchMs + repairEveryMs,
    },
    stopping.signal,
  );
  return {
    drain: (signal) => capture.drain(signal),
    async close() {
      stopping.abort();
      await capture.close();
      await repairing;
    },
  };
}
