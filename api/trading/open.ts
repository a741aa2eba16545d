import { parseDecimal } from '#core/market/decimal.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { paperFees } from '#core/trading/fees.ts';
import { openMarkets, type Markets } from '#core/trading/markets.ts';
import { openTradingWriter, type TradingSurroundings, type TradingWriter } from '#core/trading/writer.ts';
import { instantUs } from '../format.ts';
import type { LiveTrades } from '../live-market.ts';
import { openOwners, type Owners } from './owners.ts';
import { createReplays, type Replays } from './replays.ts';

/** What the routes of portfolios and orders stand on. */
export interface Trading {
  database: Database;
  writer: TradingWriter;
  markets: Markets;
  surroundings: TradingSurroundings;
  owners: Owners;
  replays: Replays;
  /** The source that is meant where a request names none. */
  defaultSource: string;
  /** Ends when what was taken is answered. */
  close(): Promise<void>;
}

export async function openTrading(options: {
  database: Database;
  live: LiveTrades;
  defaultSource: string;
  logger: Logger;
  metrics: Metrics;
}): Promise<Trading> {
  const { database, live, defaultSource, logger, metrics } = options;
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
  const writer = openTradingWriter({ database, surroundings, metrics });
  return {
    ...{ database, writer, markets, surroundings, defaultSource },
    owners: openOwners(database),
    replays: createReplays(metrics),
    async close() {
      await writer.close();
      await markets.close();
    },
  };
}
