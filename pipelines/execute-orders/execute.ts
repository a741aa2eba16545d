import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { persist } from '#core/platform/back-off.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog, LogBatch } from '#core/streams/event-log.ts';
import { claimPlaces, moveOffsets, type OwnedPartition } from '#core/streams/offsets.ts';
import { partitionOf } from '#core/streams/partitioner.ts';
import type { Markets } from '#core/trading/markets.ts';
import type { PaperTerms } from '#core/trading/paper.ts';
import { readOpenOrders, type OpenOrder } from '#core/trading/read.ts';
import type { TradingWriter } from '#core/trading/writer.ts';
import { Desk, type Execution } from './desk.ts';
import { tapeOf, type MarketTrade, type NewestTrades } from './tape.ts';

export interface ExecutorOptions {
  log: EventLog;
  database: Database;
  writer: TradingWriter;
  markets: Markets;
  newest: NewestTrades;
  terms: Omit<PaperTerms, 'rules'>;
  /** Called as events of orders have been committed, for who passes them on. */
  onExecuted?: () => void;
  logger: Logger;
  metrics: Metrics;
  sessionTimeoutMs?: number;
}

export interface Executor {
  /** Executes nothing more, and gives up its markets. */
  close(): Promise<void>;
  readonly failed: Promise<never>;
}

/** Who executes a market's orders: the member of this group that has its partition. */
export const traderGroup = 'trader';

const pollMs = 10;
const pollBytesMax = 1024 * 1024;
const bufferedBytesMax = 16 * 1024 * 1024;
const reloadEveryMs = 1_000;
const offsetsEveryMs = 500;
/** Records of each partition that are read again at the start, so that prices are known at once; they meet no orders. */
const warmRecords = 1_000;
const retryMs = { firstMs: 50, maxMs: 2_000 };

/**
 * Executes open orders on the tape, market by market: each trade's steps are written in one transaction with the place in
 * the tape, which proves that the market is still ours.
 */
export async function startExecutor(options: ExecutorOptions): Promise<Executor> {
  const { log, database, writer, markets, newest, logger } = options;
  const instruments = executorMetrics(options.metrics);
  const stopping = new AbortController();
  const desks = new Map<string, Desk>();
  const owned = new Map<number, OwnedPartition>();
  /** Where the tape of a partition ended as it became ours: before, its newest prices are not known. */
  const endsAt = new Map<number, number>();
  /** The newest trade of each market that has met its orders, or had before we came. */
  const met = new Map<string, number>();
  let partitions = (await log.describe(tradesTopic)).partitions.length;
  let mustLoad = true;
  let loadedAt = 0;
  let movedAt = 0;

  const group = await log.joinGroup({
    group: traderGroup,
    topic: tradesTopic,
    maxBufferedBytes: bufferedBytesMax,
    ...(options.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: options.sessionTimeoutMs }),
    async onAssigned(assigned) {
      // Who is first has executed nothing that could be missed.
      const claimed = await claimPlaces(database, log, traderGroup, tradesTopic, assigned);
      partitions = claimed.partitions;
      mustLoad = true;
      let behind = 0;
      for (const place of claimed.places) {
        owned.set(place.partition, place);
        endsAt.set(place.partition, place.endOffset);
        behind += place.endOffset - place.nextOffset;
      }
      logger.info(
        { partitions: assigned.length, behind },
        'executes orders, behind the tape by so many trades',
      );
      return claimed.places.map(({ startOffset, nextOffset }) =>
        Math.max(startOffset, nextOffset - warmRecords),
      );
    },
    onRevoked(revoked) {
      for (const { partition } of revoked) owned.delete(partition);
      mustLoad = true;
    },
    onOutOfRange(at, wanted, actual) {
      const of = owned.get(at.partition);
      if (of !== undefined) of.nextOffset = actual;
      logger.warn({ ...at, wanted, actual }, 'the tape no longer holds where execution had come to');
    },
  });
  const running = run();
  running.catch(() => undefined);

  return {
    failed: running.then(() => new Promise<never>(() => undefined)),
    async close() {
      stopping.abort();
      await running.catch(() => undefined);
      await group.close();
    },
  };

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const batches = await group.poll(pollMs, pollBytesMax);
      try {
        await retried(meetOrders);
        for (const batch of batches) await execute(batch);
        await retried(keepPlace);
      } catch (error) {
        if (!isTicklakeError(error, 'FENCED') && !isTicklakeError(error, 'COMMIT_UNKNOWN')) throw error;
        instruments.rejoined.inc({ code: error.code });
        logger.warn({ err: error }, 'how far orders were executed is read again');
        owned.clear();
        met.clear();
        mustLoad = true;
        await group.rejoin();
      }
    }
  }

  /** Knows of orders that were placed, and lets them meet the market. */
  async function meetOrders(): Promise<void> {
    const now = Date.now();
    const isDue = mustLoad || now - loadedAt >= reloadEveryMs;
    if (isDue) {
      mustLoad = false;
      loadedAt = now;
      load(await readOpenOrders(database, 'all'));
    } else {
      for (const [desk, orders] of byDesk(await readOpenOrders(database, 'waiting'))) desk.put(orders);
    }
    for (const desk of desks.values()) {
      const partition = owned.get(partitionOf(tradeKey(desk.source, desk.symbol), partitions));
      const last = newest.last(desk.source, desk.symbol);
      const terms = termsOf(desk);
      if (partition === undefined || last === undefined || terms === undefined) continue;
      if (partition.nextOffset < (endsAt.get(partition.partition) ?? 0)) continue;
      await settle(desk, desk.activations(last, terms), partition);
    }
  }

  function load(orders: readonly OpenOrder[]): void {
    const found = byDesk(orders);
    for (const [key, desk] of desks) if (!found.has(desk)) desks.delete(key);
    for (const [desk, of] of found) desk.load(of);
    instruments.markets.set(desks.size);
    instruments.orders.set([...desks.values()].reduce((sum, { size }) => sum + size, 0));
  }

  function byDesk(orders: readonly OpenOrder[]): Map<Desk, OpenOrder[]> {
    const byMarket = Map.groupBy(orders, ([, { source, symbol }]) => tradeKey(source, symbol));
    const found = new Map<Desk, OpenOrder[]>();
    for (const [key, of] of byMarket) {
      const [, { source, symbol }] = of[0] as OpenOrder;
      if (!owned.has(partitionOf(key, partitions))) continue;
      const desk = desks.get(key) ?? new Desk(source, symbol);
      desks.set(key, desk);
      found.set(desk, of);
    }
    return found;
  }

  async function execute(batch: LogBatch): Promise<void> {
    for (const trade of tapeOf(batch)) {
      const partition = owned.get(batch.partition);
      if (partition === undefined || stopping.signal.aborted) return;
      const key = tradeKey(trade.source, trade.symbol);
      const offset = batch.baseOffset + trade.index;
      newest.note(trade);
      // One that comes twice or late would give its volume twice, or at a price that is gone.
      if (trade.tradeId <= (met.get(key) ?? -1)) continue;
      const desk = desks.get(key);
      if (desk !== undefined && offset >= partition.nextOffset)
        await retried(() => meet(desk, trade, { ...partition, nextOffset: offset + 1 }));
      met.set(key, trade.tradeId);
    }
    const partition = owned.get(batch.partition);
    if (partition !== undefined)
      partition.nextOffset = Math.max(partition.nextOffset, batch.baseOffset + batch.count);
    instruments.records.inc(batch.count);
  }

  /** Orders that were waiting for a price meet it; the trade comes to those that were active before it. */
  async function meet(desk: Desk, trade: MarketTrade, place: OwnedPartition): Promise<void> {
    const terms = termsOf(desk);
    if (terms === undefined) return;
    await settle(desk, desk.executions(trade, terms), place);
    const isBehind = place.nextOffset < (endsAt.get(place.partition) ?? 0);
    if (!isBehind) await settle(desk, desk.activations(trade, terms), place);
  }

  /** Writes what happens to orders, with the place in the tape that it follows from. */
  async function settle(desk: Desk, executions: readonly Execution[], place: OwnedPartition): Promise<void> {
    if (executions.length === 0) return;
    const stop = instruments.seconds.startTimer();
    const outcomes = await writer.submitTogether(
      executions.map(({ portfolioId, steps }) => ({
        ...{ kind: 'execute' as const, portfolioId, steps },
        atUs: Date.now() * 1_000,
      })),
      (tx) => moveOffsets(tx, traderGroup, [place]),
    );
    stop();
    options.onExecuted?.();
    for (const outcome of outcomes) {
      if ('refused' in outcome) {
        instruments.refused.inc();
        logger.warn({ err: outcome.refused }, 'an execution was refused; orders are read again');
        mustLoad = true;
        continue;
      }
      desk.settle(outcome.submitted.portfolio);
      for (const { type } of outcome.submitted.events) instruments.events.inc({ type });
    }
  }

  /** Where no order is met nothing else notes how far the tape was read. */
  async function keepPlace(): Promise<void> {
    if (owned.size === 0 || Date.now() - movedAt < offsetsEveryMs) return;
    movedAt = Date.now();
    await database.transaction(async (tx) => {
      // What is lost with a crash of the server is read again, and meets no order twice: their places are on disk.
      await tx.query('set local synchronous_commit = off');
      await moveOffsets(tx, traderGroup, [...owned.values()]);
    });
  }

  function termsOf({ source, symbol }: Desk): PaperTerms | undefined {
    const rules = markets.view(source, symbol)?.rules;
    return rules === undefined ? undefined : { ...options.terms, rules };
  }

  async function retried(work: () => Promise<void>): Promise<void> {
    await persist(work, {
      ...{ backOff: retryMs, signal: stopping.signal },
      // Where it is not known whether a trade has met its orders, the place that was written tells.
      canHelp: ({ code, retryable }) => retryable && code !== 'COMMIT_UNKNOWN',
      onFailure(failure, attempt) {
        instruments.failures.inc({ code: failure.code });
        logger.warn({ err: failure, attempt }, 'execution waits, and tries again');
      },
    });
  }
}

function executorMetrics(metrics: Metrics) {
  return {
    markets: metrics.gauge('ticklake_trader_markets', 'Markets with open orders that this process executes'),
    orders: metrics.gauge('ticklake_trader_open_orders', 'Open orders that this process executes'),
    records: metrics.counter('ticklake_trader_records_total', 'Records of the tape that were read'),
    events: metrics.counter('ticklake_trader_events_total', 'What happened to orders', ['type']),
    refused: metrics.counter('ticklake_trader_refused_total', 'Executions that no longer fitted'),
    rejoined: metrics.counter('ticklake_trader_rejoined_total', 'Times that markets were claimed anew', [
      'code',
    ]),
    failures: metrics.counter('ticklake_trader_failures_total', 'Attempts that failed and were made again', [
      'code',
    ]),
    seconds: metrics.histogram('ticklake_trader_execute_seconds', 'Writing what one trade does to orders'),
  };
}
