import { openArchive } from '#core/exchanges/binance/archive/archive.ts';
import { createBinanceExchange } from '#core/exchanges/binance/exchange.ts';
import type { Exchange, ExchangeKline } from '#core/exchanges/exchange.ts';
import { closedKlines } from '#core/exchanges/history.ts';
import { query } from '#core/lake/engine.ts';
import { klines, tableId } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import type { Interval } from '#core/market/interval.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { bundleTasks } from '#pipelines/backfill-klines/bundle.ts';
import { backfillKlineTask, type BarRequest } from '#pipelines/backfill-klines/task.ts';
import { detectGaps } from '#pipelines/detect-gaps/detect.ts';
import { gapTasks, type GapTask } from '#pipelines/detect-gaps/wanted.ts';
import { openTimedVenue, type TimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import type { TestLake } from '#tests/support/lake.ts';
import { expect } from 'vitest';

export const us = (time: string) => Date.parse(time) * 1_000;

export interface Window {
  intervals: Interval[];
  symbols: string[];
  from: string;
  to?: string;
}

/** A simulated venue with what Filter 3 for bars is asked of it. */
export interface BarVenue extends TimedVenue {
  /** Adds a fault of the archive, by the admin route. */
  spoil(fault: Record<string, unknown>): Promise<void>;
  /** Filter 2: what is missing of a window. */
  detect(window: Window): Promise<GapTask[]>;
  /** What the lake does not hold of all that is wanted. */
  missing(): Promise<GapTask[]>;
  /** Filter 3, for all of the tasks at once. */
  bring(
    tasks: readonly GapTask[],
    own?: Partial<BarRequest>,
  ): Promise<Awaited<ReturnType<typeof backfillKlineTask>>>;
  /** All closed bars that REST has in a window. */
  rest(symbol: string, interval: Interval, from: string, to: string): Promise<ExchangeKline[]>;
}

export async function openBarVenue(lake: TestLake, seed: number, time: string): Promise<BarVenue> {
  const venue = await openTimedVenue(seed, time);
  const filter = (source: string) => ({ table: tableId(klines), source });
  const own = {
    async spoil(fault: Record<string, unknown>) {
      const body = JSON.stringify(fault);
      const answer = await fetch(`${venue.simulator.url}/simulator/archive`, { method: 'POST', body });
      if (!answer.ok) throw new Error(await answer.text());
    },
    async detect({ from, to, ...window }: Window) {
      const { tasks } = await detectGaps({
        ...{
          exchange: venue.exchange,
          database: lake.database,
          trades: false,
          metrics: new Metrics(),
          ...window,
        },
        fromUs: us(from),
        ...(to === undefined ? {} : { toUs: us(to) }),
      });
      return tasks;
    },
    missing: () => gapTasks(lake.database, filter(venue.exchange.source)),
    async bring(tasks: readonly GapTask[], request: Partial<BarRequest> = {}) {
      const { exchange, simulator } = venue;
      const [bundle, ...others] = bundleTasks(tasks, { nowUs: await exchange.timeUs() });
      if (bundle === undefined || others.length > 0) throw new Error('these tasks make no single bundle');
      return await backfillKlineTask({
        ...{ targets: bundle.targets, origin: 'auto', exchange, lake: lake.lake, spillDir: lake.spillDir },
        openArchive: () => openArchive({ location: simulator.url, metrics: lake.metrics }),
        ...request,
      });
    },
    rest: (symbol: string, interval: Interval, from: string, to: string) =>
      allBars(venue.exchange, symbol, interval, us(from), us(to)),
  };
  // The getters of the venue are live: it may be taken to another time.
  return Object.assign(Object.create(venue) as TimedVenue, own);
}

async function allBars(exchange: Exchange, symbol: string, interval: Interval, fromUs: number, toUs: number) {
  const bars: ExchangeKline[] = [];
  for await (const answer of closedKlines(exchange, { symbol, interval, fromUs, toUs })) bars.push(...answer);
  return bars;
}

export interface HeldBar {
  ms: number;
  open: string;
  close: string;
  volume: string;
  trades: number;
  filled: boolean;
}

/** The bars that the lake holds of a market, by time. */
export async function heldBars(
  lake: TestLake,
  source: string,
  symbol: string,
  interval: Interval,
): Promise<HeldBar[]> {
  const { rows } = await query(
    lake.lake,
    `select epoch_ms(open_time)::varchar as ms, open::varchar as open, close::varchar as close,
            volume::varchar as volume, trade_count::varchar as trades, is_filled as filled
       from market.klines where source = '${source}' and symbol = '${symbol}' and "interval" = '${interval}'
      order by open_time`,
    { spillDir: lake.spillDir },
  );
  return rows.map((row) => ({
    ...{ ms: Number(row['ms']), open: String(row['open']), close: String(row['close']) },
    ...{ volume: String(row['volume']), trades: Number(row['trades']), filled: row['filled'] === true },
  }));
}

/** The same of what the venue gave. */
export function asHeld(bars: readonly ExchangeKline[]): HeldBar[] {
  const plain = (text: string) => {
    const [whole, places = ''] = text.split('.');
    return `${whole}.${places.padEnd(18, '0')}`;
  };
  return bars.map((bar) => ({
    ...{
      ms: bar.openTimeUs / 1_000,
      open: plain(bar.open),
      close: plain(bar.close),
      volume: plain(bar.volume),
    },
    ...{ trades: bar.tradeCount, filled: false },
  }));
}

/** The files hold what the ledger says. */
export async function expectProven(lake: TestLake): Promise<void> {
  const verdict = await verifyTable(lake.lake, klines, { spillDir: lake.spillDir, deep: true });
  expect(verdict.damaged).toEqual([]);
  expect(verdict.listings.filter((row) => row.inFiles !== row.held || row.duplicates > 0)).toEqual([]);
}

/** The same venue under another name: an adapter on it. */
export function exchangeOf({ simulator }: TimedVenue, source: string, lake: TestLake): Exchange {
  const { url: restUrl, wsUrl } = simulator;
  return createBinanceExchange({ source, restUrl, wsUrl, logger: lake.logger, metrics: new Metrics() });
}
