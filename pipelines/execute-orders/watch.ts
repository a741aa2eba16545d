import { toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Decimal } from '#core/market/decimal.ts';
import type { Markets } from '#core/trading/markets.ts';
import type { TradingWriter } from '#core/trading/writer.ts';
import { setTimeout as sleep } from 'node:timers/promises';

export interface WatchOptions {
  database: Database;
  writer: TradingWriter;
  markets: Markets;
  logger: Logger;
  metrics: Metrics;
}

export interface Watch {
  close(): Promise<void>;
}

const watchEveryMs = 1_000;
const portfoliosMax = 256;
const dueSwitchesSql = sqlFile(import.meta.url, 'sql/due-switches.sql');
const heldPairsSql = sqlFile(import.meta.url, 'sql/held-pairs.sql');

/**
 * Watches what no order and no trade brings up: dead-man's switches whose time has come, and losses as prices move. Any
 * number of processes may watch: what is done is done once.
 */
export function startWatch(options: WatchOptions): Watch {
  const { database, writer, markets, logger } = options;
  const stopping = new AbortController();
  const rounds = options.metrics.counter('ticklake_trader_watch_rounds_total', 'Rounds over portfolios', [
    'result',
  ]);
  let after = '00000000-0000-0000-0000-000000000000';
  const running = run();
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await cancelDue();
        await markHeld();
        rounds.inc({ result: 'ok' });
      } catch (error) {
        const failure = toTicklakeError(error);
        rounds.inc({ result: failure.code });
        logger.warn({ err: failure }, 'portfolios could not be watched; it is tried again');
      }
      await sleep(watchEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  async function cancelDue(): Promise<void> {
    const atUs = Date.now() * 1_000;
    const { rows } = await database.query<{ portfolioId: string }>(dueSwitchesSql, [atUs, portfoliosMax]);
    if (rows.length === 0) return;
    await writer.submitTogether(
      rows.map(({ portfolioId }) => ({
        ...{ kind: 'cancel_all' as const, portfolioId, reason: 'cancel_after' as const },
        atUs: Date.now() * 1_000,
      })),
    );
  }

  /** So many portfolios in a round; the next round goes on behind them. */
  async function markHeld(): Promise<void> {
    interface Row {
      portfolioId: string;
      source: string;
      symbol: string;
      pair: string;
    }
    const { rows } = await database.query<Row>(heldPairsSql, [after, portfoliosMax]);
    const byPortfolio = Map.groupBy(rows, ({ portfolioId }) => portfolioId);
    after = rows.at(-1)?.portfolioId ?? '00000000-0000-0000-0000-000000000000';
    const commands = [...byPortfolio].flatMap(([portfolioId, held]) => {
      const prices = new Map<string, Decimal>();
      let marketTimeUs = 0;
      for (const { source, symbol, pair } of held) {
        const { last, timeUs = 0 } = markets.view(source, symbol) ?? {};
        if (last === undefined) continue;
        prices.set(pair, last.price);
        marketTimeUs = Math.max(marketTimeUs, timeUs);
      }
      if (prices.size === 0) return [];
      return [{ kind: 'mark_prices' as const, portfolioId, prices, marketTimeUs, atUs: Date.now() * 1_000 }];
    });
    if (commands.length > 0) await writer.submitTogether(commands);
  }
}
