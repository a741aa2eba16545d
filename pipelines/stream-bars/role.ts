import { candlesticksTopic, indicatorsTopic, signalsTopic, tradesTopic } from '#core/market/topics.ts';
import type { Lake } from '#core/lake/lake.ts';
import type { Config } from '#core/platform/config.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { persist } from '#core/platform/back-off.ts';
import { spillFolder } from '#core/platform/spill-folder.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { startBarConsumer } from './consume.ts';
import { startLakeWriter } from './lake-writer.ts';

export interface StreamOptions {
  config: Config;
  database: Database;
  log: EventLog;
  lake: Lake;
  logger: Logger;
  metrics: Metrics;
}

export interface Stream {
  /**
   * Resolves when what is in the log by now was taken, and all that was kept is sent and in the lake. Where the log cannot be read to
   * its end in time it throws; what was kept is in the lake all the same.
   */
  drain(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
  /** Rejects when the role cannot go on. */
  readonly failed: Promise<never>;
}

const drainRetry = { firstMs: 100, maxMs: 2_000 };

/**
 * Trades of the log → candles at their close → indicators and signals: kept in Postgres, sent to their topics, committed to
 * the lake. Any number of processes share the partitions.
 */
export async function startStream(options: StreamOptions): Promise<Stream> {
  const { config, log, logger } = options;
  const topic = { partitions: config.logPartitions, retentionMs: config.logRetentionHours * 3_600_000 };
  for (const name of [tradesTopic, candlesticksTopic, indicatorsTopic, signalsTopic]) {
    await log.ensureTopic(name, topic);
  }
  const lakeSpillDir = await spillFolder(config.dataDir, 'stream-lake');
  const consumer = await startBarConsumer({
    ...options,
    latenessMs: config.streamLatenessMs,
    maxBufferedBytes: config.ingestMaxBufferedBytes,
    ...(config.kafkaBrokers === undefined ? {} : { sessionTimeoutMs: config.kafkaSessionTimeoutMs }),
    spillDir: await spillFolder(config.dataDir, 'stream'),
  });
  const writer = startLakeWriter({
    ...options,
    everyMs: config.streamCommitMs,
    spillDir: lakeSpillDir,
  });
  return {
    failed: Promise.race([consumer.failed, writer.failed]),
    async drain(signal) {
      try {
        await persist(() => consumer.drained(signal), {
          backOff: drainRetry,
          signal,
          onFailure: (failure) => logger.warn({ err: failure }, 'draining was interrupted; trying again'),
        });
      } finally {
        await writer.drain(signal);
      }
    },
    async close() {
      await Promise.all([consumer.close(), writer.close()]);
    },
  };
}
