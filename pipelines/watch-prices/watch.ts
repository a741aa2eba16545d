import type { NewAlert } from '#core/alerts/alert.ts';
import { announce } from '#core/alerts/deliveries.ts';
import { takePriceAlerts, waitingPriceAlerts, type WaitingPriceAlert } from '#core/alerts/price-alerts.ts';
import { decimalText } from '#core/market/decimal.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { persist } from '#core/platform/back-off.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { claimPlaces, moveOffsets, type OwnedPartition } from '#core/streams/offsets.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { partitionOf } from '#core/streams/partitioner.ts';
import { tapeOf, type MarketTrade } from '../execute-orders/tape.ts';
import { RecentPrices } from './recent-prices.ts';

export interface PriceWatchOptions {
  log: EventLog;
  database: Database;
  hasMail: boolean;
  logger: Logger;
  metrics: Metrics;
  sessionTimeoutMs?: number;
}

export interface PriceWatch {
  close(): Promise<void>;
  readonly failed: Promise<never>;
}

/** Whose members share the markets of the topic `trades`. */
export const priceGroup = 'price-alerts';

const pollMs = 100;
const lookEveryMs = 250;
const placeEveryMs = 1_000;
const pollBytesMax = 1024 * 1024;
const bufferedBytesMax = 8 * 1024 * 1024;
/** Records of each partition that are read again at the start, for alerts that were set while nobody looked. */
const warmRecords = 1_000;
const recentPerMarket = 1_000;
const retryMs = { firstMs: 100, maxMs: 5_000 };

type Reached = { alert: WaitingPriceAlert; trade: MarketTrade };

/**
 * Raises price alerts as the tape reaches them: each once, in one transaction with the place in the tape, by the first trade
 * at its price, or beyond it, after it was set.
 */
export async function startPriceWatch(options: PriceWatchOptions): Promise<PriceWatch> {
  const { log, database, hasMail, logger } = options;
  const raised = options.metrics.counter('ticklake_alerts_raised_total', 'Alerts that were raised', ['kind']);
  const waiting = options.metrics.gauge('ticklake_price_alerts_waiting', 'Price alerts that wait');
  const stopping = new AbortController();
  const { signal } = stopping;
  const owned = new Map<number, OwnedPartition>();
  const recent = new RecentPrices(recentPerMarket);
  let partitions = (await log.describe(tradesTopic)).partitions.length;
  let alerts: WaitingPriceAlert[] = [];
  let lookedAtMs = 0;
  let placedAtMs = 0;

  const group = await log.joinGroup({
    group: priceGroup,
    topic: tradesTopic,
    maxBufferedBytes: bufferedBytesMax,
    ...(options.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: options.sessionTimeoutMs }),
    async onAssigned(assigned) {
      // Who is first had nothing to look for before.
      const claimed = await claimPlaces(database, log, priceGroup, tradesTopic, assigned);
      partitions = claimed.partitions;
      for (const place of claimed.places) owned.set(place.partition, place);
      return claimed.places.map(({ startOffset, nextOffset }) =>
        Math.max(startOffset, nextOffset - warmRecords),
      );
    },
    onRevoked(revoked) {
      for (const { partition } of revoked) owned.delete(partition);
    },
    onOutOfRange(at, wanted, actual) {
      const of = owned.get(at.partition);
      if (of !== undefined) of.nextOffset = actual;
      logger.warn({ ...at, wanted, actual }, 'the tape no longer holds where prices were looked at last');
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
    while (!signal.aborted) {
      const batches = await group.poll(pollMs, pollBytesMax);
      for (const batch of batches) {
        recent.add(tapeOf(batch));
        const of = owned.get(batch.partition);
        if (of !== undefined) of.nextOffset = Math.max(of.nextOffset, batch.baseOffset + batch.count);
      }
      try {
        await retried(look);
      } catch (error) {
        if (!isTicklakeError(error, 'FENCED')) throw error;
        logger.warn({ err: error }, 'joins those who look at prices again');
        owned.clear();
        await group.rejoin();
      }
    }
  }

  /** Knows which alerts wait, raises those that were reached, and notes how far the tape was read. */
  async function look(): Promise<void> {
    const now = Date.now();
    // What was set meanwhile is held against the trades that have come since.
    if (now - lookedAtMs >= lookEveryMs) {
      lookedAtMs = now;
      alerts = await waitingPriceAlerts(database);
      waiting.set(alerts.length);
    }
    const ours = alerts.filter(isOurs);
    const reached = ours.flatMap((alert): Reached[] => {
      const trade = recent.reaching(alert);
      return trade === undefined ? [] : [{ alert, trade }];
    });
    if (owned.size > 0 && (reached.length > 0 || now - placedAtMs >= placeEveryMs)) {
      await keep(reached);
      placedAtMs = now;
    }
    const isReached = new Set(reached.map(({ alert }) => alert));
    alerts = alerts.filter((alert) => !isReached.has(alert));
    recent.settle(ours);
  }

  async function keep(reached: readonly Reached[]): Promise<void> {
    await database.transaction(async (tx) => {
      if (reached.length === 0) await tx.query('set local synchronous_commit = off');
      const taken = await takePriceAlerts(
        tx,
        reached.map(({ alert: { priceAlertId }, trade: { tradeId } }) => ({ priceAlertId, tradeId })),
      );
      const news = reached.filter(({ alert }) => taken.has(alert.priceAlertId)).map(alertOf);
      for (const { kind } of await announce(tx, news, { hasMail })) raised.inc({ kind });
      await moveOffsets(tx, priceGroup, [...owned.values()]);
    });
  }

  function isOurs({ source, symbol }: WaitingPriceAlert): boolean {
    return owned.has(partitionOf(tradeKey(source, symbol), partitions));
  }

  async function retried(work: () => Promise<void>): Promise<void> {
    await persist(work, {
      ...{ backOff: retryMs, signal },
      onFailure: (failure, attempt) => logger.warn({ err: failure, attempt }, 'prices wait to be looked at'),
    });
  }
}

function alertOf({ alert, trade }: Reached): NewAlert {
  const { priceAlertId, userId, source, symbol, direction, note } = alert;
  const [wanted, price] = [decimalText(alert.price), decimalText(trade.price)];
  const why = note === null ? '' : `: ${note}`;
  return {
    causeKey: `price_reached|${priceAlertId}`,
    kind: 'price_reached',
    severity: 'info',
    cause: `${symbol} was traded at ${price}, ${direction === 'above' ? 'at or above' : 'at or below'} ${wanted}${why}`,
    detail: {
      ...{ priceAlertId, source, symbol, direction, price: wanted, note },
      ...{ tradePrice: price, tradeId: trade.tradeId, tradedUs: trade.timeUs },
    },
    audience: 'user',
    userId,
  };
}
