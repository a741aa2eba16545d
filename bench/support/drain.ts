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
  symbols: readonly string[];
  tradesPerSymbol: number;
}

export async function newTape(runtime: Runtime, symbols: readonly string[], trades: number): Promise<Tape> {
  const source = `bench-${randomUUID().slice(0, 8)}`;
  await knowSymbols(runtime.connection.database, source, symbols);
  return { source, symbols, tradesPerSymbol: trades / symbols.length };
}

/** The tape in pieces, each made when it is asked for: a million records in memory would slow what is measured. */
export function* recordsOf({ source, symbols, tradesPerSymbol }: Tape, size: number): Generator<LogRecord[]> {
  for (const symbol of symbols) {
    for (let id = 0; id < tradesPerSymbol; id += size) {
      yield tradeRecords(source, symbol, id, Math.min(id + size, tradesPerSymbol));
    }
  }
}

/** Each piece of the tape is one append, so one batch of the log. */
export async function appendTape(runtime: Runtime, tape: Tape, size: number): Promise<void> {
  for (const records of recordsOf(tape, size)) await runtime.log.append(tradesTopic, records);
}

export function linesOf(records: readonly LogRecord[]): string {
  return records.map((record) => `${record.value}\n`).join('');
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
  const trades = tape.symbols.length * tape.tradesPerSymbol;
  await expectHeld(runtime, tape.source, trades);
  return trades / seconds;
}
