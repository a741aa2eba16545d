import { tradesTopic } from '#core/market/topics.ts';
import { parseDecimal } from '#core/market/decimal.ts';
import type { OrderVenue } from '#core/exchanges/order-venue.ts';
import type { Config } from '#core/platform/config.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { paperFees } from '#core/trading/fees.ts';
import { openMarkets } from '#core/trading/markets.ts';
import { openTradingWriter } from '#core/trading/writer.ts';
import { startLive } from '../execute-live/role.ts';
import { startRelay } from '../relay-orders/relay.ts';
import { startExecutor } from './execute.ts';
import { startSigning } from './sign-heads.ts';
import { NewestTrades } from './tape.ts';
import { startWatch } from './watch.ts';

export interface TraderOptions {
  config: Pick<Config, 'dataDir' | 'logPartitions' | 'logRetentionHours'>;
  database: Database;
  log: EventLog;
  /** The account that live orders go to; none where all are executed on paper. */
  orderVenue?: OrderVenue | undefined;
  logger: Logger;
  metrics: Metrics;
}

export interface Trader {
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** What a taker pays beyond the last price where there is no order book: a twentieth of a percent. */
const slippage = parseDecimal('0.0005');

/**
 * The role `trader`: executes orders on paper, on the tape of the log, and those of the live portfolio at its venue; it tells
 * the log what has happened to them. Any number of it share the markets.
 */
export async function startTrader(options: TraderOptions): Promise<Trader> {
  const { config, database, log, logger, metrics } = options;
  await log.ensureTopic(tradesTopic, {
    partitions: config.logPartitions,
    retentionMs: config.logRetentionHours * 3_600_000,
  });
  const newest = new NewestTrades();
  // Closed in the reverse of the order they were opened in, also where one of them does not start.
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(part: T): T => {
    opened.unshift(part);
    return part;
  };
  const close = async (): Promise<void> => {
    for (const part of opened.splice(0)) await part.close();
  };
  try {
    const markets = keep(await openMarkets({ database, trades: newest, logger, metrics }));
    keep(await startSigning({ database, dataDir: config.dataDir, logger, metrics }));
    const relay = keep(await startRelay({ database, log, logger, metrics }));
    const surroundings = { market: markets.view, fees: paperFees };
    const writer = keep(openTradingWriter({ database, surroundings, metrics }));
    const terms = { takerFee: paperFees.taker, slippage };
    const executor = keep(
      await startExecutor({ ...options, writer, markets, newest, terms, onExecuted: relay.wake }),
    );
    if (options.orderVenue !== undefined)
      keep(startLive({ database, writer, venue: options.orderVenue, onBooked: relay.wake, logger, metrics }));
    keep(startWatch({ database, writer, markets, logger, metrics }));
    return { failed: executor.failed, close };
  } catch (error) {
    await close();
    throw error;
  }
}
