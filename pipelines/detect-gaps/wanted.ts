import { symbolOf } from '#core/lake/ledger.ts';
import { intervalUs, isInterval } from '#core/market/interval.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { partsOfBars, type Range } from './partitions.ts';

/** A window that shall be complete: ids of one UTC day, or open times in microseconds; half-open. */
export interface Wanted {
  table: string;
  source: string;
  listing: string;
  /** Of bars. */
  interval?: string;
  /** Of trades, `YYYY-MM-DD`. */
  day?: string;
  lo: number;
  hi: number;
  /** The liquidity rank of the coin; {@link unranked} where it is not in the universe. */
  rank: number;
}

export const unranked = 1_000_000;

/** What is missing of one listing within one period: what Filter 3 brings as one piece of work. */
export interface GapTask {
  /** Unique, such as `market.klines/binance/BTCUSDT#1/1m/2024-03`. */
  key: string;
  table: string;
  source: string;
  listing: string;
  symbol: string;
  interval: string | null;
  /** `2024` or `2024-03` of bars, `2024-03-05` of trades. */
  period: string;
  /** In order, disjoint. */
  ranges: Range[];
  /** How many bars or ids are missing. */
  count: number;
  rank: number;
}

export interface WantedFilter {
  table?: string;
  source?: string;
  symbols?: readonly string[];
  intervals?: readonly string[];
}

interface Missing {
  table: string;
  source: string;
  listing: string;
  interval: string | null;
  day: string | null;
  rank: number;
  from: number;
  to: number;
}

const wantSql = sqlFile(import.meta.url, './sql/want.sql');
const expectSql = sqlFile(import.meta.url, './sql/expect.sql');
const missingSql = sqlFile(import.meta.url, './sql/missing.sql');

/** Makes windows wanted; one that begins in a known one, or where it ends, makes that one longer, never shorter. */
export async function want(db: Pick<Transaction, 'query'>, windows: readonly Wanted[]): Promise<void> {
  if (windows.length === 0) return;
  await db.query(wantSql, [JSON.stringify(windows)]);
}

/**
 * Forgets within windows what was only explained as not asked for (`not_requested`) or as not in a file of the archive
 * (`partial_source`): what is wanted from the venue is a gap until it is brought.
 */
export async function expectWanted(
  db: Pick<Transaction, 'query'>,
  windows: readonly Wanted[],
): Promise<void> {
  if (windows.length > 0) await db.query(expectSql, [JSON.stringify(windows)]);
}

/** Ranges that are wanted and neither held nor explained, the most valuable first: by rank, then the newest. */
export async function missingRanges(
  db: Pick<Transaction, 'query'>,
  filter: WantedFilter = {},
): Promise<Missing[]> {
  const { table, source, symbols, intervals } = filter;
  const { rows } = await db.query<Missing>(missingSql, [
    ...[table ?? null, source ?? null, symbols ?? null, intervals ?? null],
  ]);
  return rows;
}

/** The work that is left, the most valuable first. Computed from the ledger each time: what was brought is not in it. */
export async function gapTasks(
  db: Pick<Transaction, 'query'>,
  filter: WantedFilter = {},
): Promise<GapTask[]> {
  const tasks = new Map<string, GapTask>();
  for (const missing of await missingRanges(db, filter)) {
    const { table, source, listing, interval, rank } = missing;
    for (const { period, from, to } of partsOf(missing)) {
      const key = [table, source, listing, ...(interval === null ? [] : [interval]), period].join('/');
      const step = interval !== null && isInterval(interval) ? intervalUs(interval) : 1;
      const task: GapTask = tasks.get(key) ?? {
        ...{ key, table, source, listing, symbol: symbolOf(listing), interval, period, rank },
        ...{ ranges: [], count: 0 },
      };
      task.ranges.push({ from, to });
      task.count += (to - from) / step;
      tasks.set(key, task);
    }
  }
  for (const task of tasks.values()) task.ranges.sort((a, b) => a.from - b.from);
  return [...tasks.values()].sort((a, b) => a.rank - b.rank || (a.period < b.period ? 1 : -1));
}

function partsOf({ interval, day, from, to }: Missing): (Range & { period: string })[] {
  if (interval !== null && isInterval(interval)) return partsOfBars({ from, to }, interval);
  return [{ from, to, period: day ?? 'unknown' }];
}
