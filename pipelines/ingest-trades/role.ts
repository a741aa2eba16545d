import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from '#core/exchanges/exchange.ts';
import type { Lake } from '#core/lake/lake.ts';
import type { Config } from '#core/platform/config.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { startCapture } from './capture.ts';
import { startTradeConsumer } from './consume.ts';
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
  /** Holes are fetched from REST; off for a replay, whose tape has no REST. */
  repair: boolean;
  onDisconnected?: () => void;
}

export interface Ingest {
  /** Stops the socket, lets the log drain and holes be repaired; bounded by `timeoutMs`, then gives up quietly. */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
  /** Rejects when the consumer gave up. */
  readonly failed: Promise<never>;
}

const venueTimeMs = 5_000;
const repairEveryMs = 2_000;

/** Socket → log → lake for one venue: capture, consumer and repair in one process. */
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
    spillDir: join(config.dataDir, 'tmp', `ingest-${process.pid}`),
  });
  const capture = await startCapture({
    exchange,
    symbols: options.symbols,
    log,
    database,
    logger,
    metrics,
    repairHoles: options.repair,
    venueTimeMs: options.repair ? venueTimeMs : 0,
    ...(options.onDisconnected === undefined ? {} : { onDisconnected: options.onDisconnected }),
  });
  const stopping = new AbortController();
  const repairing = options.repair
    ? repairFromLedger(
        {
          exchange,
          capture,
          database,
          logger,
          metrics,
          everyMs: repairEveryMs,
          settleMs: 2 * config.ingestBatchMs + repairEveryMs,
        },
        stopping.signal,
      )
    : Promise.resolve();

  return {
    failed: consumer.failed,
    async drain(timeoutMs) {
      const deadline = AbortSignal.timeout(timeoutMs);
      try {
        await capture.drain();
        await consumer.drained(deadline);
        while (options.repair && (await openGaps(database, exchange.source)).length > 0) {
          await sleep(200, undefined, { signal: deadline });
          await consumer.drained(deadline);
        }
      } catch (error) {
        logger.warn({ err: error }, 'ingest did not drain in time; what is left goes on at the next start');
      }
    },
    async close() {
      stopping.abort();
      await capture.close();
      await repairing;
      await consumer.close();
    },
  };
}
