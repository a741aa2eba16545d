import { setTimeout as sleep } from 'node:timers/promises';
import { LiveCandles } from '#core/features/live-candles.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { candlesticksTopic, tradeKey, tradesTopic } from '#core/market/topics.ts';
import { persist } from '#core/platform/back-off.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog, LogBatch, LogRecord } from '#core/streams/event-log.ts';
import { claimOffsets, type OwnedPartition } from '#core/streams/offsets.ts';
import { partitionOf } from '#core/streams/partitioner.ts';
import { streamGroup } from './group.ts';
import { changePartitions, startOffsets } from './partitions.ts';
import { keepBars, prepareClosedBars, withRevision, type ClosedBar } from './say.ts';
import { sendKept } from './send.ts';
import { takeTrades } from './take.ts';
import { Tails } from './tails.ts';
import { WaitingBatches } from './waiting.ts';
import { Watermarks } from './watermark.ts';

export interface BarConsumerOptions {
  log: EventLog;
  lake: Lake;
  database: Database;
  logger: Logger;
  metrics: Metrics;
  /** How long a trade may take from the venue into the log, by our clock, before its bar closes without it. */
  latenessMs: number;
  maxBufferedBytes: number;
  sessionTimeoutMs?: number;
  spillDir: string;
}

export interface BarConsumer {
  /** Resolves when its partitions were taken up to the log's present end, and what follows is kept and sent. */
  drained(signal: AbortSignal): Promise<void>;
  /** Says nothing more and gives up its partitions. What was not said is said by who goes on. */
  close(): Promise<void>;
  readonly failed: Promise<never>;
}

const pollMs = 50;
const gatherMs = 5;
const pollBytesMax = 16 * 1024 * 1024;
const secondsEveryMs = 500;
const secondsLateMs = 2_000;
const clocksEveryMs = 1_000;
const retryMs = { firstMs: 100, maxMs: 5_000 };

/** Takes the log's trades, closes bars, and says them: kept, evaluated, sent. */
export async function startBarConsumer(options: BarConsumerOptions): Promise<BarConsumer> {
  const { log, lake, database, logger } = options;
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '1GB', spillDir: options.spillDir });
  const live = await LiveCandles.open(duck);
  const tails = await Tails.open(duck);
  const closedBars = await prepareClosedBars(duck);
  const watermarks = new Watermarks(options.latenessMs);
  const instruments = consumerMetrics(options.metrics);
  const owned = new Map<number, OwnedPartition>();
  /** Owned, but not yet rebuilt from the lake. */
  const gained = new Map<number, OwnedPartition>();
  const lost = new Set<number>();
  const waiting = new WaitingBatches(live);
  const stopping = new AbortController();
  /** What is kept may not be sent yet: as at the start. */
  let owesSending = true;
  let secondsAt = 0;
  let clocksAt = 0;
  let partitions = 0;
  let rounds = 0;

  const group = await log.joinGroup({
    group: streamGroup,
    topic: tradesTopic,
    maxBufferedBytes: options.maxBufferedBytes,
    ...(options.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: options.sessionTimeoutMs }),
    async onAssigned(assigned) {
      const claims = await claimOffsets(database, streamGroup, assigned);
      const offsets = await startOffsets(database, assigned);
      assigned.forEach((assignment, index) => {
        const { partition } = assignment;
        const nextOffset = offsets[index] ?? 0;
        const of = { ...assignment, epoch: claims[index]?.epoch ?? 0, nextOffset };
        owned.set(partition, of);
        gained.set(partition, of);
      });
      return offsets;
    },
    onRevoked(revoked) {
      for (const { partition } of revoked) {
        owned.delete(partition);
        gained.delete(partition);
        waiting.drop(partition);
        lost.add(partition);
      }
    },
    onOutOfRange(at, wanted, actual) {
      const of = owned.get(at.partition);
      if (of !== undefined) of.nextOffset = actual;
      logger.warn(
        { ...at, wanted, actual },
        'the log no longer has the offset to go on from; bars may be incomplete',
      );
    },
  });
  const running = run();
  running.catch(() => undefined);

  return {
    failed: running.then(() => new Promise<never>(() => undefined)),
    async drained(signal) {
      const topic = await log.describe(tradesTopic);
      const ends = new Map(topic.partitions.map(({ partition, endOffset }) => [partition, endOffset]));
      const isBehind = (): boolean =>
        owned.size === 0 ||
        gained.size > 0 ||
        [...owned.values()].some(({ partition, nextOffset }) => nextOffset < (ends.get(partition) ?? 0));
      for (const enough = rounds + 2; isBehind() || rounds < enough;) {
        signal.throwIfAborted();
        await Promise.race([sleep(pollMs, undefined, { signal }), running]);
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
    await retried(() => sendKept(database, log));
    while (!stopping.signal.aborted) {
      waiting.add(await group.poll(pollMs, pollBytesMax), Date.now());
      if (waiting.isUrgent) {
        // What was written together comes from several partitions.
        await sleep(gatherMs);
        waiting.add(await group.poll(0, pollBytesMax), Date.now());
      }
      // Partitions may have come with the batches: what the lake has of them is taken first.
      await settlePartitions();
      const batches = waiting.take(Date.now());
      await retried(() => take(batches));
      await retried(() => noteTimes());
      const isClosed = await closeMinutes();
      // Bars of a second can wait for what stands behind those of a minute, but not for long.
      if (Date.now() - secondsAt >= (isClosed ? secondsLateMs : secondsEveryMs)) await closeSeconds();
      rounds += 1;
    }
  }

  /** Takes over what was assigned, and forgets what is another's now. */
  async function settlePartitions(): Promise<void> {
    if (gained.size === 0 && lost.size === 0) return;
    // What is given and taken while this works is for the next round.
    const coming = [...gained];
    const leaving = [...lost].filter((partition) => !owned.has(partition));
    lost.clear();
    // A time was believed of other partitions.
    if (coming.length > 0) watermarks.reset();
    await retried(async () => {
      const startedAt = performance.now();
      partitions = (await log.describe(tradesTopic)).partitions.length;
      const markets = await changePartitions(
        { lake, duck, live, tails },
        { leaving, coming: coming.map(([partition]) => partition), count: partitions },
      );
      instruments.markets.set(markets);
      logger.info(
        { partitions: owned.size, markets, ms: Math.round(performance.now() - startedAt) },
        'open bars were rebuilt from the lake',
      );
    });
    for (const [partition, of] of coming) if (gained.get(partition) === of) gained.delete(partition);
  }

  async function take(batches: readonly LogBatch[]): Promise<void> {
    const ours = batches.filter(({ partition }) => owned.has(partition) && !gained.has(partition));
    if (ours.length === 0) return;
    const startedAt = performance.now();
    const { trades, times } = await takeTrades({ database, duck, live, spillDir: options.spillDir }, ours);
    for (const { source, timeUs } of times) watermarks.observe(source, timeUs);
    for (const { partition, baseOffset, count } of ours) {
      const of = owned.get(partition);
      if (of !== undefined) of.nextOffset = Math.max(of.nextOffset, baseOffset + count);
    }
    instruments.trades.inc(trades);
    instruments.takeSeconds.observe((performance.now() - startedAt) / 1_000);
  }

  async function noteTimes(): Promise<void> {
    const now = Date.now();
    if (now - clocksAt >= clocksEveryMs) {
      clocksAt = now;
      const { rows } = await database.query<{ source: string; us: number }>(
        'select source, time_us as us from ingest.venues',
      );
      for (const { source, us } of rows) watermarks.observe(source, us);
    }
    const positions = new Map(
      [...owned.values()].map(({ partition, nextOffset }) => [partition, nextOffset]),
    );
    await watermarks.advance(now, positions, () => log.describe(tradesTopic));
  }

  /** Whether there were any. */
  async function closeMinutes(): Promise<boolean> {
    const startedAt = performance.now();
    if (!(await live.close('minutes', watermarks.current))) return false;
    const bars = await closedBars();
    const closedAt = performance.now();
    try {
      await retried(() => say(bars));
    } catch (error) {
      if (!isTicklakeError(error, 'FENCED')) throw error;
      instruments.fenced.inc();
      logger.warn({ err: error }, 'another process says these bars');
      for (const partition of owned.keys()) lost.add(partition);
      owned.clear();
      gained.clear();
      await group.rejoin();
    }
    instruments.closeSeconds.observe((closedAt - startedAt) / 1_000);
    instruments.saySeconds.observe((performance.now() - closedAt) / 1_000);
    return true;
  }

  async function say(closed: readonly ClosedBar[]): Promise<void> {
    const settled = [...owned.values()].filter(({ partition }) => !gained.has(partition));
    const counts = await keepBars(database, tails, settled, ofPartitions(closed, settled), () => {
      owesSending = true;
    });
    instruments.candles.inc(counts.candles);
    instruments.revisions.inc(counts.revisions);
    instruments.signals.inc(counts.signals);
    if (owesSending) await sendKept(database, log);
    owesSending = false;
    await tails.settle();
  }

  /** Of a partition that was lost meanwhile nothing is said: who has it now may know more. */
  function ofPartitions(bars: readonly ClosedBar[], of: readonly OwnedPartition[]): ClosedBar[] {
    const ours = new Set(of.map(({ partition }) => partition));
    return bars.filter(({ source, symbol }) => ours.has(partitionOf(tradeKey(source, symbol), partitions)));
  }

  /** Bars of a second are sent, but not kept: there are too many, and nobody wants them for long. */
  async function closeSeconds(): Promise<void> {
    secondsAt = Date.now();
    if (!(await live.close('seconds', watermarks.current))) return;
    const records = ofPartitions(await closedBars(), [...owned.values()]).map(
      ({ source, symbol, record }): LogRecord => ({
        key: tradeKey(source, symbol),
        value: withRevision(record, 1),
      }),
    );
    if (records.length > 0) await retried(() => log.append(candlesticksTopic, records));
  }

  async function retried(work: () => Promise<void>): Promise<void> {
    await persist(work, {
      ...{ backOff: retryMs, signal: stopping.signal },
      onFailure(failure, attempt, waitMs) {
        instruments.failures.inc({ code: failure.code });
        logger.warn({ err: failure, attempt, waitMs }, 'live bars wait, and try again');
      },
    });
  }
}

function consumerMetrics(metrics: Metrics) {
  return {
    markets: metrics.gauge(
      'ticklake_stream_bars_markets',
      'Markets whose open bars were rebuilt at the last assignment',
    ),
    trades: metrics.counter('ticklake_stream_bars_trades_total', 'Trades taken into open bars'),
    candles: metrics.counter(
      'ticklake_stream_candles_total',
      'Bars of a minute and more that were said, revisions included',
    ),
    revisions: metrics.counter(
      'ticklake_stream_revisions_total',
      'Bars that were said again, as they had changed',
    ),
    signals: metrics.counter('ticklake_stream_signals_total', 'Signals that were said'),
    fenced: metrics.counter(
      'ticklake_stream_fenced_total',
      'Times that another process owned the partitions',
    ),
    failures: metrics.counter('ticklake_stream_failures_total', 'Attempts that failed and were made again', [
      'code',
    ]),
    takeSeconds: metrics.histogram('ticklake_stream_take_seconds', 'Taking trades of the log into open bars'),
    closeSeconds: metrics.histogram('ticklake_stream_close_seconds', 'Making the bars that closed'),
    saySeconds: metrics.histogram(
      'ticklake_stream_say_seconds',
      'Keeping, evaluating and sending bars that closed',
    ),
  };
}
