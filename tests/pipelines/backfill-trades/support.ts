import { openArchive, type Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { Trade } from '#core/market/trade.ts';
import { query } from '#core/lake/engine.ts';
import { trades } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { detectGaps } from '#pipelines/detect-gaps/detect.ts';
import { gapTasks, type GapTask } from '#pipelines/detect-gaps/wanted.ts';
import { backfillTradeTask, type TradeTaskRequest } from '#pipelines/backfill-trades/task.ts';
import { openTimedVenue, type TimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import type { TestLake } from '#tests/support/lake.ts';

export const dayUs = 86_400_000_000;
export const us = (time: string) => Date.parse(time) * 1_000;

/** A simulated venue with its archive, and a lake to bring its trades to. */
export interface TradeVenue extends TimedVenue {
  archive(): Promise<Archive>;
  /** Spoils the archive. */
  spoil(fault: Record<string, unknown>): Promise<void>;
  /** Makes days of a market wanted; what is missing of it, oldest first. */
  detect(symbol: string, from: string, to?: string): Promise<GapTask[]>;
  /** What is missing by now, oldest first. */
  missing(symbol: string): Promise<GapTask[]>;
  bring(task: GapTask, own?: Partial<TradeTaskRequest>): ReturnType<typeof backfillTradeTask>;
}

export async function openTradeVenue(
  lake: TestLake,
  seed: number,
  time: string,
  options: { rate?: number } = {},
): Promise<TradeVenue> {
  const venue = await openTimedVenue(seed, time, { symbols: 40, ...options });
  const archive = () =>
    openArchive({ location: venue.simulator.url, metrics: lake.metrics, http: { maxRetries: 0 } });
  const missing = async (symbol: string) => {
    const filter = { table: 'market.trades', source: venue.exchange.source, symbols: [symbol] };
    return (await gapTasks(lake.database, filter)).toSorted((a, b) => (a.period < b.period ? -1 : 1));
  };
  return {
    get exchange() {
      return venue.exchange;
    },
    get simulator() {
      return venue.simulator;
    },
    goTo: (at) => venue.goTo(at),
    befall: (incident) => venue.befall(incident),
    close: () => venue.close(),
    archive,
    async spoil(fault) {
      const url = `${venue.simulator.url}/simulator/archive`;
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify(fault) });
      if (!answer.ok) throw new Error(await answer.text());
    },
    async detect(symbol, from, to) {
      const { exchange } = venue;
      await detectGaps({
        ...{ exchange, database: lake.database, metrics: lake.metrics, symbols: [symbol] },
        ...{ intervals: [], trades: true, fromUs: us(from), ...(to === undefined ? {} : { toUs: us(to) }) },
      });
      return await missing(symbol);
    },
    missing,
    async bring(task, own = {}) {
      const { exchange } = venue;
      const { signal } = new AbortController();
      return await backfillTradeTask({
        ...{ task, from: 'auto', exchange, openArchive: archive },
        ...{ lake: lake.lake, spillDir: lake.spillDir, signal },
        ...own,
      });
    },
  };
}

export interface Held {
  rows: number;
  ids: number;
  lo: number;
  hi: number;
}

/** What SQL finds of a market in the lake; throws where the ledger says otherwise. */
export async function heldOf(
  lake: Pick<TestLake, 'lake' | 'spillDir'>,
  source: string,
  symbol: string,
): Promise<Held> {
  const { rows } = await query(
    lake.lake,
    `select count(*)::double as rows, count(distinct trade_id)::double as ids, min(trade_id)::double as lo,
            (max(trade_id) + 1)::double as hi
       from market.trades where source = '${source}' and symbol = '${symbol}'`,
    { spillDir: lake.spillDir },
  );
  const { listings } = await verifyTable(lake.lake, trades, { spillDir: lake.spillDir });
  const verdict = listings.find((listing) => listing.source === source && listing.symbol === symbol);
  const row = rows[0] ?? {};
  const held = { rows: Number(row['rows']), ids: Number(row['ids']) };
  if (verdict !== undefined && (verdict.held !== held.ids || verdict.duplicates > 0)) {
    throw new Error(`the ledger says ${JSON.stringify(verdict)}, SQL ${JSON.stringify(held)}`);
  }
  return { ...held, lo: Number(row['lo']), hi: Number(row['hi']) };
}

/** The trades that REST has of ids, all of them. */
export async function restTrades(
  venue: TimedVenue,
  symbol: string,
  lo: number,
  hi: number,
): Promise<Trade[]> {
  const found: Trade[] = [];
  while (found.length < hi - lo) {
    const next = (found.at(-1)?.tradeId ?? lo - 1) + 1;
    const answer = await venue.exchange.tradesFrom(symbol, next, Math.min(1_000, hi - next));
    if (answer.length === 0) break;
    found.push(...answer);
  }
  return found;
}
