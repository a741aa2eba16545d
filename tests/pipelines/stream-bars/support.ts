import { query } from '#core/lake/engine.ts';
import {
  candlesticksTopic,
  indicatorsTopic,
  signalsTopic,
  tradesTopic,
  type CandlestickRecord,
  type IndicatorsRecord,
  type SignalRecord,
} from '#core/market/topics.ts';
import type { Trade } from '#core/market/trade.ts';
import { startBarConsumer, type BarConsumer } from '#pipelines/stream-bars/consume.ts';
import { startLakeWriter } from '#pipelines/stream-bars/lake-writer.ts';
import { recordOf, type TestLake } from '#tests/support/lake.ts';

export const startUs = Date.UTC(2024, 2, 5) * 1_000;
export const minuteUs = 60_000_000;

/** The topics that the stream writes, as the role makes them. */
export async function makeTopics({ log }: TestLake): Promise<void> {
  for (const topic of [candlesticksTopic, indicatorsTopic, signalsTopic]) {
    await log.ensureTopic(topic, { partitions: 4, retentionMs: 3_600_000 });
  }
}

export async function startBars({
  lake,
  database,
  log,
  logger,
  metrics,
  spillDir,
}: TestLake): Promise<BarConsumer> {
  return await startBarConsumer({
    ...{ lake, database, log, logger, metrics },
    latenessMs: 50,
    maxBufferedBytes: 64 * 1024 * 1024,
    spillDir: `${spillDir}/bars`,
  });
}

/** Waits until a consumer has said all that follows from what is in the log. */
export async function said(consumer: BarConsumer): Promise<void> {
  await Promise.race([consumer.drained(AbortSignal.timeout(60_000)), consumer.failed]);
}

/** Runs one consumer from start to end. */
export async function stream(lake: TestLake): Promise<void> {
  const consumer = await startBars(lake);
  try {
    await said(consumer);
  } finally {
    await consumer.close();
  }
}

/** Commits what was kept to the lake. */
export async function commitBars({ lake, logger, metrics, spillDir }: TestLake): Promise<void> {
  const writer = startLakeWriter({
    lake,
    logger,
    metrics,
    everyMs: 3_600_000,
    spillDir: `${spillDir}/writer`,
  });
  try {
    await writer.drain(AbortSignal.timeout(60_000));
  } finally {
    await writer.close();
  }
}

export async function append({ log }: TestLake, trades: readonly Trade[]): Promise<void> {
  if (trades.length > 0)
    await log.append(
      tradesTopic,
      trades.map((trade) => recordOf(trade)),
    );
}

/** All records of a topic that are of one venue, in the order of each partition. */
export async function recordsOf(
  lake: TestLake,
  topic: 'candlesticks',
  source: string,
): Promise<CandlestickRecord[]>;
export async function recordsOf(
  lake: TestLake,
  topic: 'indicators',
  source: string,
): Promise<IndicatorsRecord[]>;
export async function recordsOf(lake: TestLake, topic: 'signals', source: string): Promise<SignalRecord[]>;
export async function recordsOf({ log }: TestLake, topic: string, source: string): Promise<unknown[]> {
  const { partitions } = await log.describe(topic);
  const found: { source: string }[] = [];
  const stop = new AbortController();
  const left = new Map(
    partitions.filter((of) => of.endOffset > of.startOffset).map((of) => [of.partition, of.endOffset]),
  );
  if (left.size === 0) return [];
  const from = partitions.map(({ partition, startOffset }) => ({ partition, offset: startOffset }));
  for await (const batch of log.read({ topic, from, signal: stop.signal })) {
    for (const line of batch.lines.toString().split('\n').filter(Boolean)) {
      const record = JSON.parse(line) as { source: string };
      if (record.source === source) found.push(record);
    }
    if (batch.baseOffset + batch.count >= (left.get(batch.partition) ?? 0)) left.delete(batch.partition);
    if (left.size === 0) break;
  }
  stop.abort();
  return found;
}

/** The latest revision of each bar, as the topic has it, without bars of a second. */
export function latest(records: readonly CandlestickRecord[]): CandlestickRecord[] {
  const bars = new Map<string, CandlestickRecord>();
  for (const record of records) {
    if (record.interval === '1s') continue;
    const key = `${record.symbol} ${record.interval} ${record.open_us}`;
    if ((bars.get(key)?.revision ?? 0) < record.revision) bars.set(key, record);
  }
  return [...bars.values()];
}

/** What a plain aggregation of trades says of bars that had trades, by market, length and time. */
export function aggregated(trades: readonly Trade[], lengthUs: number) {
  const bars = new Map<string, Trade[]>();
  for (const trade of trades) {
    const key = `${trade.symbol} ${Math.floor(trade.timestampUs / lengthUs) * lengthUs}`;
    bars.set(key, [...(bars.get(key) ?? []), trade]);
  }
  return new Map(
    [...bars].map(([key, of]) => {
      const byId = of.toSorted((a, b) => a.tradeId - b.tradeId);
      const prices = of.map(({ price }) => Number(price));
      return [
        key,
        {
          open: Number(byId[0]?.price),
          high: Math.max(...prices),
          low: Math.min(...prices),
          close: Number(byId.at(-1)?.price),
          trades: of.length,
        },
      ];
    }),
  );
}

/** Rows of a query over the lake. */
export async function rowsOf({ lake, spillDir }: TestLake, sql: string): Promise<Record<string, unknown>[]> {
  return (await query(lake, sql, { spillDir })).rows;
}
