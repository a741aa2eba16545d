import { parseDecimal } from '#core/market/decimal.ts';
import { messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { MarketView } from './command.ts';
import type { SymbolRules } from './order.ts';

type LastTrade = NonNullable<MarketView['last']>;

/** The newest trades that a process knows of. */
export interface LastTrades {
  last(source: string, symbol: string): LastTrade | undefined;
  /** Markets of which it knows any. */
  symbols(source: string): readonly string[];
}

/** What orders and values are reckoned by, at hand without waiting. */
export interface Markets {
  /** A market as it is at this moment; undefined where it is not known. */
  view(source: string, symbol: string): MarketView | undefined;
  /** The market of one asset in another. */
  find(source: string, base: string, quote: string): MarketView | undefined;
  /** Reads what ingest has noted since; it is read every {@link refreshMs} anyway. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export interface MarketsOptions {
  database: Database;
  trades: LastTrades;
  logger: Logger;
  metrics: Metrics;
}

interface SymbolRow {
  source: string;
  symbol: string;
  base: string;
  quote: string;
  status: string;
  tickSize: string;
  stepSize: string;
  minNotional: string;
  updatedAt: Date;
}

/** A reading of a venue's clock, and ours as it was read. */
interface Reading {
  timeUs: number;
  atMs: number;
}

const refreshMs = 1_000;
const changedSymbols = sqlFile(import.meta.url, 'sql/changed-symbols.sql');
const venueClocks = sqlFile(import.meta.url, 'sql/venue-clocks.sql');

/**
 * Markets by what ingest noted of them and by the newest trades. A venue's clock goes on while its feed is silent: it is
 * the later of the clock that ingest noted and the newest trade seen, each moved on by our own.
 */
export async function openMarkets({ database, trades, logger, metrics }: MarketsOptions): Promise<Markets> {
  const rules = new Map<string, SymbolRules>();
  const symbols = new Map<string, string>();
  const noted = new Map<string, Reading>();
  const seen = new Map<string, Reading>();
  const known = metrics.gauge('ticklake_trading_markets', 'Markets whose rules are known');
  let newest = new Date(0);
  let underWay: Promise<void> | undefined;

  await refresh().catch(warn);
  const timer = setInterval(() => void refresh().catch(warn), refreshMs);
  timer.unref();
  return {
    view,
    find(source, base, quote) {
      const symbol = symbols.get(pairKey(source, base, quote));
      return symbol === undefined ? undefined : view(source, symbol);
    },
    refresh,
    async close() {
      clearInterval(timer);
      await underWay?.catch(() => undefined);
    },
  };

  function view(source: string, symbol: string): MarketView | undefined {
    const own = rules.get(marketKey(source, symbol));
    if (own === undefined) return undefined;
    const last = trades.last(source, symbol);
    if (last === undefined) return { rules: own, timeUs: clockOf(source) };
    noteSeen(source, last.timeUs);
    return { rules: own, last, timeUs: clockOf(source) };
  }

  function clockOf(source: string): number {
    return Math.max(...[noted.get(source), seen.get(source)].map(movedOn));
  }

  function noteSeen(source: string, timeUs: number): void {
    if (timeUs > (seen.get(source)?.timeUs ?? 0)) seen.set(source, { timeUs, atMs: performance.now() });
  }

  /** One at a time: who asks while one is under way waits for that one. */
  async function refresh(): Promise<void> {
    underWay ??= read().finally(() => (underWay = undefined));
    await underWay;
  }

  async function read(): Promise<void> {
    const atMs = performance.now();
    const { rows: clocks } = await database.query<{ source: string; timeUs: number }>(venueClocks);
    for (const { source, timeUs } of clocks) {
      noted.set(source, { timeUs, atMs });
      const times = trades.symbols(source).map((symbol) => trades.last(source, symbol)?.timeUs ?? 0);
      noteSeen(
        source,
        times.reduce((a, b) => Math.max(a, b), 0),
      );
    }
    const { rows } = await database.query<SymbolRow>(changedSymbols, [newest]);
    for (const row of rows) {
      rules.set(marketKey(row.source, row.symbol), rulesOf(row));
      symbols.set(pairKey(row.source, row.base, row.quote), row.symbol);
      if (row.updatedAt > newest) newest = row.updatedAt;
    }
    known.set(rules.size);
  }

  function warn(error: unknown): void {
    logger.warn({ err: error }, `the rules of markets could not be read: ${messageOf(error)}`);
  }
}

function rulesOf(row: SymbolRow): SymbolRules {
  const { source, symbol, base, quote } = row;
  return {
    ...{ source, symbol, base, quote },
    tickSize: parseDecimal(row.tickSize),
    stepSize: parseDecimal(row.stepSize),
    minNotional: parseDecimal(row.minNotional),
    isTrading: row.status === 'TRADING',
  };
}

function movedOn(reading: Reading | undefined): number {
  if (reading === undefined) return 0;
  return reading.timeUs + Math.max(0, Math.round((performance.now() - reading.atMs) * 1000));
}

function marketKey(source: string, symbol: string): string {
  return `${source}|${symbol}`;
}

function pairKey(source: string, base: string, quote: string): string {
  return `${source}|${base}/${quote}`;
}
