import { parseDecimal } from '#core/market/decimal.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { paperFees } from '#core/trading/fees.ts';
import { openMarkets, type Markets } from '#core/trading/markets.ts';
import { openTradingWriter, type TradingSurroundings, type TradingWriter } from '#core/trading/writer.ts';
import type { Breaker } from '../breaker.ts';
import { instantUs } from '../format.ts';
import { guardedDatabase, guardedWriter } from '../guarded.ts';
import type { LiveTrades } from '../live-market.ts';
import { openOwners, type Owners } from './owners.ts';
import { createReplays, type Replays } from './replays.ts';

/** What the routes of portfolios and orders stand on. */
export interface Trading {
  database: Database;
  writer: TradingWriter;
  markets: Markets;
  surroundings: TradingSurroundings;
  /** Whether a market without a price has none, and it is not only that none was read yet. */
  pricesAreKnown(): boolean;
  owners: Owners;
  replays: Replays;
  /** The source that is meant where a request names none. */
  defaultSource: string;
  /** Where live portfolios are executed; undefined where the service is not configured for any. */
  liveSource: string | undefined;
  /** Ends when what was taken is answered. */
  close(): Promise<void>;
}

export async function openTrading(options: {
  /** Not behind the breaker: what needs it is put there. */
  database: Database;
  /** Of that database. */
  breaker: Breaker;
  live: LiveTrades;
  defaultSource: string;
  liveSource: string | undefined;
  logger: Logger;
  metrics: Metrics;
}): Promise<Trading> {
  const { breaker, live, defaultSource, liveSource, logger, metrics } = options;
  const database = guardedDatabase(options.database, breaker);
  const trades = {
    symbols: (source: string) => live.symbols(source),
    last(source: string, symbol: string) {
      const trade = live.last(source, symbol);
      if (trade === undefined) return undefined;
      const { sequence: tradeId, price, timestamp } = trade;
      return { tradeId, price: parseDecimal(price), timeUs: instantUs(timestamp) };
    },
  };
  const markets = await openMarkets({ database, trades, logger, metrics });
  const surroundings = { market: markets.view, fees: paperFees };
  const { database: ofWriter } = options;
  const writer = guardedWriter(openTradingWriter({ database: ofWriter, surroundings, metrics }), breaker);
  return {
    ...{ database, writer, markets, surroundings, defaultSource, liveSource },
    pricesAreKnown: () => live.isKnown(),
    owners: openOwners(database, liveSource),
    replays: createReplays(metrics),
    async close() {
      await writer.close();
      await markets.close();
    },
  };
}
