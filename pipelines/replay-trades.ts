import { setTimeout as sleep } from 'node:timers/promises';
import { createBinanceExchange } from '#core/exchanges/binance/exchange.ts';
import { startReplayServer } from '#core/exchanges/simulator/replay.ts';
import type { Lake } from '#core/lake/lake.ts';
import type { Config } from '#core/platform/config.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { ingestReport, ingestTotals, missingIds, type IngestReport } from './ingest-trades/report.ts';
import { startIngest } from './ingest-trades/role.ts';
import { startStream, type Stream } from './stream-bars/role.ts';
import { tradesTopic } from '#core/market/topics.ts';

export interface ReplayOptions {
  config: Config;
  database: Database;
  log: EventLog;
  lake: Lake;
  logger: Logger;
  metrics: Metrics;
  files: readonly string[];
  speed: number | 'max';
}

const drainMs = 10 * 60_000;
const goodbyeMs = 5_000;

/**
 * Serves recorded combined streams on a loopback WebSocket to the ordinary ingest, waits until the log has drained
 * into the lake and bars are closed, and says what became of the records. REST repair is off: a recording has no REST.
 */
export async function replayTrades(options: ReplayOptions): Promise<IngestReport> {
  const { config, database, log, logger, metrics } = options;
  const source = 'binance';
  const server = await startReplayServer({ files: [...options.files], speed: options.speed, logger });
  const exchange = createBinanceExchange({
    source,
    restUrl: server.url,
    wsUrl: server.wsUrl,
    logger,
    metrics,
  });
  try {
    await log.ensureTopic(tradesTopic, {
      partitions: config.logPartitions,
      retentionMs: config.logRetentionHours * 3_600_000,
    });
    const before = await ingestTotals(database, log);
    const disconnected = Promise.withResolvers<undefined>();
    const ingest = await startIngest({
      ...options,
      exchange,
      symbols: server.symbols,
      live: false,
      onDisconnected: () => disconnected.resolve(undefined),
    });
    let stream: Stream | undefined;
    try {
      stream = await startStream(options);
      const failed = Promise.race([ingest.failed, stream.failed]);
      await Promise.race([server.done, failed]);
      // The socket's last messages are ours once the other side's goodbye has come.
      await Promise.race([disconnected.promise, sleep(goodbyeMs)]);
      await Promise.race([ingest.drain(drainMs), failed]);
      await Promise.race([stream.drain(AbortSignal.timeout(drainMs)), failed]);
      return ingestReport(before, await ingestTotals(database, log), await missingIds(database, source));
    } finally {
      await stream?.close();
      await ingest.close();
    }
  } finally {
    await exchange.close();
    await server.close();
  }
}
