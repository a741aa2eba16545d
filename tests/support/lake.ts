import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeTrade, type Trade } from '#core/market/trade.ts';
import { createLake } from '#core/lake/create.ts';
import type { Lake } from '#core/lake/lake.ts';
import { openFileStore } from '#core/lake/object-store.ts';
import { createLogger, type Logger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import type { EventLog, LogRecord } from '#core/streams/event-log.ts';
import { createKafkaLog } from '#core/streams/kafka.ts';
import { createPostgresLog } from '#core/streams/postgres.ts';
import { startTradeConsumer, type TradeConsumer } from '#pipelines/ingest-trades/consume.ts';
import { registerSymbols } from '#pipelines/ingest-trades/symbols.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import type { TestKafka } from './kafka.ts';
import { startMigratedPostgres, type TestPostgres } from './postgres.ts';

/** A whole lake on a real Postgres and a temporary warehouse. */
export interface TestLake {
  url: string;
  postgres: TestPostgres;
  dir: string;
  spillDir: string;
  database: Database;
  log: EventLog;
  lake: Lake;
  metrics: Metrics;
  logger: Logger;
  startConsumer(overrides?: {
    log?: EventLog;
    database?: Database;
    lake?: Lake;
    batchMs?: number;
  }): Promise<TradeConsumer>;
  close(): Promise<void>;
}

/** With a broker, that is the log. */
export async function openTestLake({ kafka }: { kafka?: TestKafka | undefined } = {}): Promise<TestLake> {
  const dir = await mkdtemp(join(tmpdir(), 'ticklake-lake-'));
  await chmod(dir, 0o755);
  const postgres = await startMigratedPostgres();
  const logger = createLogger({ level: 'silent', name: 'test' });
  const metrics = new Metrics();
  const database = openDatabase({ url: postgres.url, applicationName: 'test', logger, metrics });
  const log =
    kafka === undefined
      ? createPostgresLog({ database, logger, metrics })
      : createKafkaLog({ brokers: kafka.brokers, clientId: 'test', logger, metrics });
  await log.ensureTopic(tradesTopic, { partitions: 4, retentionMs: 3_600_000 });
  const store = await openFileStore(join(dir, 'warehouse'));
  const lake = await createLake({ catalogName: 'ticklake', database, store, logger, metrics });
  const spillDir = join(dir, 'tmp');
  return {
    url: postgres.url,
    postgres,
    dir,
    spillDir,
    database,
    log,
    lake,
    metrics,
    logger,
    startConsumer: (overrides = {}) =>
      startTradeConsumer({
        log,
        lake,
        database,
        logger,
        metrics,
        worker: 'test',
        batchRecords: 1_000,
        batchMs: 200,
        maxBatchRecords: 100_000,
        maxBufferedBytes: 64 * 1024 * 1024,
        spillDir,
        ...overrides,
      }),
    async close() {
      await log.close();
      await database.close();
      await postgres.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Makes markets known under their plain names. */
export async function knowSymbols(
  database: Database,
  source: string,
  symbols: readonly string[],
): Promise<void> {
  await registerSymbols(
    database,
    source,
    symbols.map((symbol) => ({
      symbol,
      base: symbol.slice(0, 3),
      quote: symbol.slice(3),
      status: 'TRADING',
      tickSize: '0.01',
      stepSize: '0.00001',
      minNotional: '5',
    })),
  );
}

/** A valid trade, its content a function of its id. */
export function tradeOf(source: string, symbol: string, tradeId: number): Trade {
  return {
    source,
    symbol,
    tradeId,
    price: `${1000 + (tradeId % 500)}.25000000`,
    volume: `0.${String((tradeId % 900) + 100)}00000`,
    side: tradeId % 2 === 0 ? 'buy' : 'sell',
    timestampUs: 1_723_161_254_000_000 + tradeId * 1_000,
  };
}

export function tradeRecords(
  source: string,
  symbol: string,
  fromId: number,
  toId: number,
  channel: 'stream' | 'rest' = 'stream',
): LogRecord[] {
  return Array.from({ length: toId - fromId }, (_, index) =>
    recordOf(tradeOf(source, symbol, fromId + index), channel),
  );
}

export function recordOf(trade: Trade, channel: 'stream' | 'rest' = 'stream'): LogRecord {
  return {
    key: tradeKey(trade.source, trade.symbol),
    value: encodeTrade(trade, channel, '1723161254024619568'),
  };
}
