import { randomUUID } from 'node:crypto';
import type { Runtime } from '#cli/runtime.ts';
import { tradesTopic } from '#core/market/topics.ts';
import type { LogRecord } from '#core/streams/event-log.ts';
import { startTradeConsumer, type ConsumerOptions } from '#pipelines/ingest-trades/consume.ts';
import { knowSymbols, tradeRecords } from '#tests/support/lake.ts';
import { expectHeld } from './runtime.ts';

const drainMsMax = 300_000;

/** Trades of a source that no round has used, market after market, ids from 0 in each. */
export interface Tape {
  source: string;
  records: LogRecord[];
}

export async function newTape(runtime: Runtime, symbols: readonly string[], trades: number): Promise<Tape> {
  const source = `bench-${randomUUID().slice(0, 8)}`;
  await knowSymbols(runtime.connection.database, source, symbols);
  const each = trades / symbols.length;
  return { source, records: symbols.flatMap((symbol) => tradeRecords(source, symbol, 0, each)) };
}

export async function appendTape(
  runtime: Runtime,
  { records }: Tape,
  recordsPerAppend: number,
): Promise<void> {
  for (let start = 0; start < records.length; start += recordsPerAppend) {
    await runtime.log.append(tradesTopic, records.slice(start, start + recordsPerAppend));
  }
}

/**
 * Trades a second of one ingest worker, from its start until everything on the log is committed. Throws unless the
 * lake then holds each trade of the tape once.
 */
export async function drainRate(
  runtime: Runtime,
  tape: Tape,
  batches: Partial<Pick<ConsumerOptions, 'batchRecords' | 'maxBatchRecords' | 'maxBufferedBytes'>> = {},
): Promise<number> {
  const { config, connection, lake, log, logger, metrics, spillDir } = runtime;
  const startedMs = performance.now();
  const consumer = await startTradeConsumer({
    ...{ lake, log, logger, metrics, spillDir, database: connection.database, worker: 'bench' },
    batchRecords: config.ingestBatchRecords,
    batchMs: config.ingestBatchMs,
    maxBatchRecords: config.ingestMaxBatchRecords,
    maxBufferedBytes: config.ingestMaxBufferedBytes,
    ...(config.kafkaBrokers === undefined ? {} : { sessionTimeoutMs: config.kafkaSessionTimeoutMs }),
    ...batches,
  });
  let seconds: number;
  try {
    await Promise.race([consumer.drained(AbortSignal.timeout(drainMsMax)), consumer.failed]);
    seconds = (performance.now() - startedMs) / 1_000;
  } finally {
    await consumer.close();
  }
  await expectHeld(runtime, tape.source, tape.records.length);
  return tape.records.length / seconds;
}
